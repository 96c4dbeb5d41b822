"""Simplified and traditional script. Verse is made in simplified and turned a line at a time, as long as it was.

OpenCC's phrases tell 头发 from 花发. Where it has no phrase and takes the word of prose, verse means another one more
often: that is put right here. What would not come back as it was stays, so that a poem can be gone on with.
"""

import re
from dataclasses import replace
from functools import cache

from opencc import OpenCC

from inference.verse.options import Options
from inference.verse.registry import FORMS

TONED = {"regulated", "ci", "duilian"}  # families whose tables have no 着

# A character that OpenCC chose, where it is not meant, and what is.
_MEANT: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), char)
    for pattern, char in (
        (r"(?<=[霜雪銀鬢黑烏綠斑])發|發(?=如[雪霜絲雲])", "髮"),
        (r"(?<![樹枝軀骨主才能])幹(?![活勁事部練])", "乾"),
        (r"鍾(?![情愛靈])", "鐘"),
        (r"(?<![象特表])徵(?![求收兆召詢聘集])", "征"),
        (r"鹹(?![味水魚菜淡溼澀])", "咸"),
        (r"(?<=[魚鴨鵝鳧])遊|遊(?=[魚鱗泳])", "游"),
        (r"穀(?=[風口中裡底])", "谷"),
        (r"瀋(?!陽)", "沈"),
        (r"傢俱", "家具"),
    )
)
_PROSE = str.maketrans("佔籲侖菸睏颳錶甯", "占吁崙煙困刮表寧")  # words of prose, some in another tone
_RARE = str.maketrans("𦶟", "爇")  # no verse of ours has the one, and some has the other


@cache
def _converter(way: str) -> OpenCC:
    """Its tables are read once, some 70 ms each, where a text asks for them."""
    return OpenCC(way)


def simplified(text: str) -> str:
    """The text in simplified script; what is so already stays as it is, but for 著 and 乾: they are 着 and 干 then."""
    return _converter("tw2s").convert(text).translate(_RARE) if text else text


def as_made(text: str, form: str) -> str:
    """A poem in traditional script as it was before: verse in tones has 著 where any other has 着."""
    toned = form in FORMS and FORMS[form].family in TONED
    return simplified(text).replace("着", "著") if toned else simplified(text)


def traditional(line: str) -> str:
    """A line of simplified script in traditional script, Taiwan's variants; as many characters."""
    turned = _converter("s2tw").convert(line).translate(_PROSE)
    for pattern, char in _MEANT:
        turned = pattern.sub(char, turned)
    if len(turned) != len(line):
        turned = "".join(_alone(char) for char in line)
    back = simplified(turned)
    return "".join(new if was == old else old for new, was, old in zip(turned, back, line, strict=True))


@cache
def _alone(char: str) -> str:
    turned = _converter("s2tw").convert(char)
    return turned if len(turned) == 1 else char


def simple(options: Options, form: str) -> Options:
    """The options with all that she asks for by name in the script that verse of this form is made in."""

    def made(text: str) -> str:
        turned = as_made(text, form)
        if options.script == "hant" or len(turned) != len(text):
            return turned
        # in simplified script 著 and 着 are two characters, and she has said which
        return "".join(was if was in "著着" else now for was, now in zip(text, turned, strict=True))

    return replace(
        options,
        head=made(options.head),
        rhyme=made(options.rhyme),
        words=tuple(map(made, options.words)),
        pins=tuple((at, made(line)) for at, line in options.pins),
    )
