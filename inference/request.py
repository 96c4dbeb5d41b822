"""An ask as what the model sees: messages, sampling and constraint. Pure, and the same for every engine.

The system message depends on kind, form and language only, never on the wish: engines keep it computed, and the first
token comes that much sooner. What changes least comes first in the user message too, for the same reason.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from inference.verse import cipu, duilian
from inference.verse.chinese import LONGEST
from inference.verse.forms import FORMS, draw, language_in
from inference.verse.options import FREE, Options
from inference.verse.script import simple
from inference.voices import VOICES


class Kind(StrEnum):
    """What is asked for."""

    LINE = "line"
    POEM = "poem"
    CONTINUE = "continue"


@dataclass(frozen=True, slots=True)
class Ask:
    """What a writer wants. `form` is empty unless it is a poem; `before` is her text up to the cursor; `chips` is the
    imagery of a photograph, as she left it; `options` are what else she asks of a poem.
    """

    kind: Kind
    form: str
    wish: str
    theme: str
    before: str
    language: str
    chips: tuple[str, ...] = ()
    options: Options = FREE


@dataclass(frozen=True, slots=True)
class Request:
    """What an engine is given. `written` is text made already, to be continued exactly from there.

    `adapter` is empty for the base; `image` is a base64 data URL, never an address that an engine would fetch.
    """

    messages: list[dict[str, str]]
    sampling: dict[str, Any]
    written: str = ""
    adapter: str = ""
    image: str = ""


_HAN = re.compile(r"[㐀-䶿一-鿿豈-﫿]")
_WORD = re.compile(r"[A-Za-zÀ-ɏ]+(?:['’-][A-Za-zÀ-ɏ]+)*")
_IN_ENGLISH = re.compile(r"用英[文语]|英[文语](?:诗|写)|\bin english\b", re.IGNORECASE)
_IN_CHINESE = re.compile(r"用[中汉][文语]|[中汉][文语](?:诗|写)|\bin chinese\b", re.IGNORECASE)


def language_of(wish: str, fallback: str) -> str:
    """The language a wish asks in, "zh" or "en"; `fallback` when it says nothing in either.

    A wish that names a language means it. Otherwise a Han character weighs what a Latin word weighs, so that a name or
    a term of the other language does not tip it.
    """
    for language, order in (("en", _IN_ENGLISH), ("zh", _IN_CHINESE)):
        if order.search(wish):
            return language
    han, words = len(_HAN.findall(wish)), len(_WORD.findall(wish))
    if not han and not words:
        return "zh" if fallback.lower().startswith("zh") else "en"
    return "zh" if han >= words else "en"


def tongue(ask: Ask) -> str:
    """The language of the answer: the form's own, else that of the text to be continued, else that of the wish."""
    if ask.kind is Kind.POEM:
        return language_in(ask.form, ask.language)
    return language_of(ask.before[-200:], ask.language)


_UNSAFE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]")
_BREAKS = re.compile(r"\r\n|[\x85\u2028\u2029]")  # all that programs take for the end of a line, and she for one
_LOOKALIKES = str.maketrans("<>「」", "‹›『』")


def harmless(text: str) -> str:
    """The text without anything a model could take for a control token or for the end of the quotation it stands in."""
    return _UNSAFE.sub("", _BREAKS.sub("\n", text)).translate(_LOOKALIKES).replace("|›", "›").replace("‹|", "‹")


_LABELS = {
    "zh": {"theme": "题目：「{}」", "wish": "愿望：「{}」", "chips": "意象：「{}」", "nothing": "清晨"},
    "en": {"theme": "Theme: 「{}」", "wish": "Wish: 「{}」", "chips": "Imagery: 「{}」", "nothing": "morning"},
}


def messages(ask: Ask) -> list[dict[str, str]]:
    """Exactly what the model sees: who it is, one example, and the ask.

    Her own text comes last and as the model's own words, so that it goes on from there instead of answering it.
    """
    language = tongue(ask)
    voice = VOICES[voice_of(ask.form or ask.kind), language]
    seen = [{"role": "system", "content": voice.system}]
    for theme, text in voice.examples:
        said = _measure(voice.form, FREE) + _LABELS[language]["theme"].format(theme)
        seen.append({"role": "user", "content": said})
        seen.append({"role": "assistant", "content": text})
    seen.append({"role": "user", "content": _measure(ask.form, ask.options) + _user(ask, language)})
    before = harmless(recent(ask.before, READS[ask.kind])).strip() if ask.kind in READS else ""
    return [*seen, {"role": "assistant", "content": before}] if before else seen


def voice_of(asked: str) -> str:
    """The name of the voice for a form or a kind: all tunes of 词 are written in one."""
    return "ci" if asked in FORMS and FORMS[asked].family == "ci" else asked


def _measure(form: str, options: Options) -> str:
    """What one voice for many measures has to be told: the tune and its lines, or the size of a couplet."""
    family = FORMS[form].family if form in FORMS else ""
    if family == "ci":
        return f"词牌：{cipu.patterns()[form].told}\n"
    return f"字数：{options.size or duilian.SIZE}\n" if family == "duilian" else ""


def _user(ask: Ask, language: str) -> str:
    """A poem is about the wish, or about the theme if she wishes nothing: every word here is one that she waits for.
    What a photograph showed comes after it, and the words that have to stand in it.
    """
    labels = _LABELS[language]
    theme, wish = (harmless(words).strip() for words in (ask.theme, ask.wish))
    if imagery := (*ask.chips, *(word for word in ask.options.words if word not in ask.chips)):
        chips = ("、" if language == "zh" else ", ").join(harmless(chip).strip() for chip in imagery)
        return "\n".join([labels["theme"].format(wish or theme or labels["nothing"]), labels["chips"].format(chips)])
    if ask.kind is Kind.POEM or not wish:
        return labels["theme"].format(wish or theme or labels["nothing"])
    return "\n".join([labels["theme"].format(theme)] * bool(theme) + [labels["wish"].format(wish)])


# How much of her text is read, in rough tokens: on two cores a token read costs 16 ms, and she is waiting.
READS = {Kind.LINE: 90, Kind.CONTINUE: 160}
_STARTS = re.compile(r"(?<=[。！？；\n])|(?<=[.!?;]\s)")


def rough_tokens(text: str) -> int:
    """About how many tokens a text is: two for three Han characters, one for four Latin ones."""
    han = len(_HAN.findall(text))
    return (han * 2) // 3 + (len(text) - han) // 4 + 1


def recent(text: str, tokens: int) -> str:
    """The end of a text, from the start of a sentence where there is one, at most about `tokens` long."""
    end = text[-tokens * 4 :]
    while rough_tokens(end) > tokens:
        end = end[max(1, len(end) // 16) :]
    if len(end) == len(text):
        return text
    starts = [found.end() for found in _STARTS.finditer(end) if found.end() < len(end) // 2]
    return end[starts[0] :] if starts else end


TERSE = {"regulated", "ci", "duilian"}  # in so few words none should stand twice
LOOSE = {"free", "haiku"}  # where no tone and no rhyme leads astray, a small model says the same of every wish
_LENGTHS = {
    "wujue": 48,
    "qijue": 64,
    "wulv": 96,
    "qilv": 128,
    "ci": 150,
    "duilian": 48,
    "haiku": 64,
    "free": 180,
    "english": 130,
    "couplet": 48,
    "quatrain": 80,
    "limerick": 90,
    Kind.LINE: 64,
    Kind.CONTINUE: 130,
}


def sampling(ask: Ask, position: int, seed: int) -> dict[str, Any]:
    """How to draw: JSON-able, with vLLM's names. A later position draws more boldly, and from its own seed."""
    bold = position > 0
    terse = ask.form in FORMS and FORMS[ask.form].family in TERSE
    return {
        "temperature": 1.0 if bold else 0.9 if ask.form in LOOSE else 0.7,
        "top_p": 0.95 if bold or ask.form in LOOSE else 0.9,
        "min_p": 0.05,
        "repetition_penalty": 1.08 if tongue(ask) == "zh" else 1.04,
        "presence_penalty": 0.8 if terse else 0.3 if bold else 0.2,
        "max_tokens": max(_LENGTHS[voice_of(ask.form or ask.kind)], _room(ask.options)),
        "seed": (seed + 7919 * position) % 2**31,
        "stop": [],
        "constraint": _constraint(ask, f"{seed}/{position}"),
    }


def _room(options: Options) -> int:
    """Tokens for so many lines of such a length as she asks for, with their marks."""
    return (options.lines or len(options.head)) * ((options.size or LONGEST) + 3)


def _constraint(ask: Ask, seed: str) -> dict[str, Any]:
    """What the text is held to; regulated verse also to a tune, so that an ask can be made again from its row."""
    form = ask.form or ask.kind.value
    return draw(form, tongue(ask), ask.wish or ask.theme, seed, simple(ask.options, form)).constraint()


def another_line(
    seen: list[dict[str, str]], drawn: dict[str, Any], poem: str, line: int, seed: int
) -> tuple[list[dict[str, str]], dict[str, Any]]:
    """Messages and sampling for another line in the place of one of a poem that was made by `seen` and `drawn`.

    The model goes on from the lines before, as it did when it wrote the poem.
    """
    before = "".join(f"{each}\n" for each in poem.split("\n")[:line])
    messages = [*seen, {"role": "assistant", "content": before}] if before else seen
    held = drawn["constraint"] | {"instead": {"poem": poem, "line": line}}
    return messages, drawn | {"temperature": 1.0, "top_p": 0.95, "max_tokens": 40, "seed": seed, "constraint": held}


def warm_asks() -> list[Ask]:
    """One ask for each system message there is, likeliest first: what an engine computes before anyone asks."""
    asks = [
        Ask(Kind.POEM, name, "", "", "", language)
        for language in ("zh", "en")
        for name, form in FORMS.items()
        if form.language in {None, language}
    ]
    lines = [Ask(kind, "", "", "", "", language) for language in ("zh", "en") for kind in (Kind.LINE, Kind.CONTINUE)]
    voices = {(voice_of(ask.form or ask.kind), ask.language): ask for ask in reversed(asks + lines)}
    return sorted(reversed(voices.values()), key=lambda ask: (ask.language != "zh", ask.form not in {"wujue", "free"}))
