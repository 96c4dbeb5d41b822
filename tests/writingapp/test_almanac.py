"""Days, solar terms and themes."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest

from writingapp.services import almanac

ALL_DAYS = [date(2020, 1, 1) + timedelta(days=n) for n in range((date(2036, 1, 1) - date(2020, 1, 1)).days)]
A_YEAR = [day for day in ALL_DAYS if day.year == 2026]


@pytest.mark.once
def test_every_day_of_sixteen_years_has_a_term_that_counts_up_to_the_next() -> None:
    for yesterday, today in pairwise(ALL_DAYS):
        before, now = almanac.term_on(yesterday), almanac.term_on(today)
        if now.day_of_term == 1:
            assert before.days_to_next == 1
            assert before.next_name == now.name
        else:
            assert now.name == before.name
            assert (now.day_of_term, now.days_to_next) == (before.day_of_term + 1, before.days_to_next - 1)
        assert 1 <= now.days_to_next <= 16


def test_each_year_walks_through_all_twenty_four_terms() -> None:
    for year in range(2020, 2036):
        begun = [
            almanac.term_on(day).name.zh
            for day in ALL_DAYS
            if day.year == year and almanac.term_on(day).day_of_term == 1
        ]
        assert len(begun) == len(set(begun)) == 24


@pytest.mark.parametrize(
    ("day", "zh", "en"),
    [
        (date(2026, 2, 3), "大寒", "Great Cold"),
        (date(2026, 2, 4), "立春", "Start of Spring"),
        (date(2025, 12, 21), "冬至", "Winter Solstice"),
        (date(2026, 9, 7), "白露", "White Dew"),
        (date(2026, 10, 23), "霜降", "Frost's Descent"),
    ],
)
def test_a_term_rules_from_the_day_it_begins(day: date, zh: str, en: str) -> None:
    term = almanac.term_on(day)
    assert (term.name.said_in("zh-hans"), term.name.said_in("en")) == (zh, en)


def test_every_term_has_at_least_five_themes_in_both_languages_and_none_twice() -> None:
    themes = {almanac.term_on(day).name.zh: almanac.themes_for(day) for day in A_YEAR}
    assert len(themes) == 24
    assert min(map(len, themes.values())) >= 5
    everything = [theme for each in themes.values() for theme in each]
    assert len(everything) >= 120
    for language in ("zh-hans", "en"):
        said = [theme.said_in(language).strip().casefold() for theme in everything]
        assert all(said)
        assert len(set(said)) == len(said)


def test_a_theme_is_one_short_line_in_its_own_language() -> None:
    for day in A_YEAR:
        for theme in almanac.themes_for(day):
            assert 3 <= len(theme.zh) <= 16
            assert not theme.zh.isascii()
            assert len(theme.en) <= 60
            assert theme.en.isascii()


def test_two_days_running_never_have_the_same_theme() -> None:
    for yesterday, today in pairwise(ALL_DAYS):
        assert almanac.theme_of_the_day(yesterday) != almanac.theme_of_the_day(today)


def test_the_theme_of_the_day_comes_first_and_is_the_same_all_day() -> None:
    day = date(2026, 10, 25)
    assert almanac.themes_for(day)[0] == almanac.theme_of_the_day(day)
    assert almanac.themes_for(day) == almanac.themes_for(day)


@pytest.mark.parametrize(
    ("zone", "just_before", "four_o_clock"),
    [
        ("Asia/Shanghai", datetime(2026, 3, 9, 19, 59, 59, tzinfo=UTC), datetime(2026, 3, 9, 20, 0, tzinfo=UTC)),
        ("Pacific/Kiritimati", datetime(2026, 3, 9, 13, 59, 59, tzinfo=UTC), datetime(2026, 3, 9, 14, 0, tzinfo=UTC)),
        ("Pacific/Niue", datetime(2026, 3, 10, 14, 59, 59, tzinfo=UTC), datetime(2026, 3, 10, 15, 0, tzinfo=UTC)),
        ("Asia/Kathmandu", datetime(2026, 3, 9, 22, 14, 59, tzinfo=UTC), datetime(2026, 3, 9, 22, 15, tzinfo=UTC)),
    ],
)
def test_the_day_begins_at_four_on_her_own_clock(zone: str, just_before: datetime, four_o_clock: datetime) -> None:
    assert almanac.writer_day(zone, just_before) == date(2026, 3, 9)
    assert almanac.writer_day(zone, four_o_clock) == date(2026, 3, 10)


@pytest.mark.parametrize(
    ("just_before", "four_o_clock", "day"),
    [
        # New York puts its clocks on by an hour on 8 March 2026: 04:00 comes an hour earlier by the world's clock.
        (datetime(2026, 3, 8, 7, 59, 59, tzinfo=UTC), datetime(2026, 3, 8, 8, 0, tzinfo=UTC), date(2026, 3, 8)),
        # On 1 November 2026 it puts them back, and 04:00 comes an hour later.
        (datetime(2026, 11, 1, 8, 59, 59, tzinfo=UTC), datetime(2026, 11, 1, 9, 0, tzinfo=UTC), date(2026, 11, 1)),
    ],
)
def test_the_day_begins_at_four_when_the_clocks_change(
    just_before: datetime, four_o_clock: datetime, day: date
) -> None:
    assert almanac.writer_day("America/New_York", just_before) == day - timedelta(days=1)
    assert almanac.writer_day("America/New_York", four_o_clock) == day


def test_a_zone_that_has_left_the_database_falls_back_to_the_house() -> None:
    now = datetime(2026, 3, 9, 20, 0, tzinfo=UTC)
    assert almanac.writer_day("Mars/Olympus", now) == almanac.writer_day("Asia/Shanghai", now)
    assert almanac.writer_day("../etc/passwd", now) == almanac.writer_day("Asia/Shanghai", now)
