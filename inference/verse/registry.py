"""The forms a poem may be asked in."""

from dataclasses import dataclass

LANGUAGES = ("zh", "en")


@dataclass(frozen=True, slots=True)
class Form:
    """One form. `language` is None where the wish decides; `lines` and `characters` (a line) are None where free.

    `family` is the module that makes it, see forms.py. `regulated` forms have a tune besides their size.
    """

    name: str
    language: str | None
    lines: int | None
    characters: int | None
    family: str = "plain"

    @property
    def regulated(self) -> bool:
        return self.family == "regulated"


# The tunes of 词, and how many lines each has.
CI = {
    "yijiangnan": 5,
    "changxiangsi": 8,
    "rumengling": 7,
    "huanxisha": 6,
    "pusaman": 8,
    "busuanzi": 8,
    "xijiangyue": 8,
    "qingpingle": 8,
    "caisangzi": 8,
    "jianzimulanhua": 8,
    "langtaosha": 10,
    "zhegutian": 9,
    "linjiangxian": 10,
    "dielianhua": 10,
    "yujiaao": 10,
    "dingfengbo": 11,
}

FORMS: dict[str, Form] = {
    form.name: form
    for form in (
        Form("free", None, None, None),
        Form("wujue", "zh", 4, 5, "regulated"),
        Form("qijue", "zh", 4, 7, "regulated"),
        Form("wulv", "zh", 8, 5, "regulated"),
        Form("qilv", "zh", 8, 7, "regulated"),
        *(Form(name, "zh", lines, None, "ci") for name, lines in CI.items()),
        Form("duilian", "zh", 2, None, "duilian"),
        Form("haiku", None, 3, None),
        Form("english", "en", None, None),
        Form("couplet", "en", 2, None, "english"),
        Form("quatrain", "en", 4, None, "english"),
        Form("limerick", "en", 5, None, "english"),
    )
}


def family_of(form: str, language: str) -> str:
    """The module that makes it: a haiku counts characters in Chinese and syllables in English."""
    if form == "haiku" and language == "en":
        return "english"
    return FORMS[form].family if form in FORMS else "plain"


def language_in(form: str, asked: str) -> str:
    """The language a poem of this form is in when the wish is in `asked`."""
    return (FORMS[form].language if form in FORMS else None) or asked
