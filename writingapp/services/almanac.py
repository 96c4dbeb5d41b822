"""Which day it is for a writer, which solar term rules it, and what there is to write about."""

import tomllib
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache, lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf import settings
from lunar_python import Solar

DAY_STARTS_AT = timedelta(hours=4)
THEMES_FILE = Path(__file__).resolve().parent.parent / "themes.toml"


@dataclass(frozen=True)
class Bilingual:
    """One thing said in both languages, each in its own way."""

    zh: str
    en: str

    def said_in(self, language: str) -> str:
        """In the language of a Django language code; whatever is not Chinese is English."""
        return self.zh if language.startswith("zh") else self.en


@dataclass(frozen=True)
class Theme(Bilingual):
    """Something to write about."""


@dataclass(frozen=True)
class SolarTerm:
    """The term that rules a day, and how far it has come."""

    name: Bilingual
    day_of_term: int  # 1 on the day it begins
    next_name: Bilingual
    days_to_next: int


def zone_of(name: str) -> ZoneInfo:
    """The writer's zone; the house's own if the name has left the zone database."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo(settings.TIME_ZONE)


def writer_day(user_tz: str, now: datetime) -> date:
    """The writer's own day: until 04:00 on her wall clock it is still yesterday."""
    wall_clock = now.astimezone(zone_of(user_tz)).replace(tzinfo=None)
    return (wall_clock - DAY_STARTS_AT).date()


@lru_cache(maxsize=8192)
def term_on(day: date) -> SolarTerm:
    """The term of a calendar day; it rules the whole day it begins on in China, wherever the writer is."""
    lunar = Solar.fromYmd(day.year, day.month, day.day).getLunar()
    this, following = lunar.getPrevJieQi(whole_day=True), lunar.getNextJieQi(whole_day=True)
    names = _names()
    return SolarTerm(
        name=names[this.getName()],
        day_of_term=(day - _date_of(this.getSolar())).days + 1,
        next_name=names[following.getName()],
        days_to_next=(_date_of(following.getSolar()) - day).days,
    )


def themes_for(day: date) -> list[Theme]:
    """The themes of the term, the one of the day first."""
    term = term_on(day)
    themes = _themes()[term.name.zh]
    # One further each day, and from another place each year.
    first = (day.year + term.day_of_term - 1) % len(themes)
    return themes[first:] + themes[:first]


def theme_of_the_day(day: date) -> Theme:
    return themes_for(day)[0]


def _date_of(solar: Solar) -> date:
    return date(solar.getYear(), solar.getMonth(), solar.getDay())


@cache
def _terms() -> list[dict[str, object]]:
    terms: list[dict[str, object]] = tomllib.loads(THEMES_FILE.read_text("utf-8"))["term"]
    return terms


@cache
def _names() -> dict[str, Bilingual]:
    return {str(term["zh"]): Bilingual(str(term["zh"]), str(term["en"])) for term in _terms()}


@cache
def _themes() -> dict[str, list[Theme]]:
    themes: dict[str, list[Theme]] = {}
    for term in _terms():
        pairs = term["themes"]
        assert isinstance(pairs, list)
        themes[str(term["zh"])] = [Theme(zh, en) for zh, en in pairs]
    return themes
