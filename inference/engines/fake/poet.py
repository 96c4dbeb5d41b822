"""Makes texts of every form out of a handful of words: the same seed, the same text, wherever it is taken up again."""

import random
from collections.abc import Iterator
from functools import cache
from typing import Any

from inference.verse.forms import FORMS, follow, instead, language_in
from inference.verse.held import Held
from inference.verse.shape import NOTHING, Chars, Row, Shape, after, heads, may_end

HAN = tuple("湖山月风露花鸟云松雨雪灯舟秋春晨暮竹石溪烟霞桥钟影声香寒静远归来落飞")
WORDS = (
    "light",
    "lake",
    "reed",
    "mist",
    "heron",
    "stone",
    "dew",
    "moon",
    "wind",
    "pine",
    "river",
    "leaf",
    "bell",
    "snow",
)
SENTENCES = {
    "zh": (
        "湖上起了一层薄雾，",
        "芦苇轻轻地动，",
        "一只鹭站在浅水里，",
        "像一个还没醒的梦。",
        "风从山那边来，",
        "带着松针的气味。",
    ),
    "en": (
        "A thin mist rose from the lake, ",
        "the reeds were moving a little. ",
        "One heron stood in the shallows ",
        "like a thought before waking. ",
    ),
}
SEEN = {  # in any photograph whatever
    "zh": '{"imagery":["远山","孤舟","芦苇"],"light":"晨光","season":"深秋","mood":"宁静","colours":["青","灰"]}',
    "en": '{"imagery":["hill","a boat","reeds"],"light":"dawn","season":"fall","mood":"calm","colours":["blue","tan"]}',
}
ENDLESS = 4_000  # characters


def wish_of(asked: dict[str, Any]) -> str:
    """The last thing the writer said."""
    return next(str(one["content"]) for one in reversed(asked["messages"]) if one["role"] == "user")


def tokens_of(asked: dict[str, Any], wish: str, length: int) -> Iterator[str]:
    """The tokens that follow what is written: a whole poem of the form asked for, else prose of `length` tokens."""
    written: str = asked.get("written") or ""
    constraint = asked.get("constraint") or {"form": "", "language": "zh"}
    seed = f"{asked.get('seed')}/{wish}"
    if constraint["form"] == "seen":
        return iter(_tokens(SEEN[constraint["language"]][len(written) :]))
    if constraint["form"] not in FORMS:
        whole = "".join(_tokens(_prose(constraint["language"], seed))[:length])
        return iter(_tokens(whole[len(written) :]))
    held, form = Held.of(constraint), constraint["form"]
    language = language_in(form, constraint["language"])
    if of := constraint.get("instead"):
        line = instead(held, of["poem"], of["line"])
        return iter(_tokens("".join(_walk(line, seed))[len(written) :]))
    dice = random.Random(seed)  # noqa: S311 - not a secret
    whole = _verse(follow(held), dice, seed) if held.drawn else _poem(form, language, dice)
    if whole.startswith(written):
        return iter(_tokens(whole[len(written) :]))
    return iter(_tokens("".join(_walk(follow(held, written), f"{seed}/{written}"))))


SIZES = {  # how many characters, or words, a line has
    ("wujue", "zh"): (5, 5, 5, 5),  # without a tune
    ("qijue", "zh"): (7, 7, 7, 7),
    ("haiku", "zh"): (5, 7, 5),
    ("free", "zh"): (6, 8, 5, 7, 6, 9, 5, 7),
    ("free", "en"): (4, 6, 5, 3, 6, 4, 5),
    ("english", "en"): (4, 6, 5, 3, 6),
}


def _poem(form: str, language: str, dice: random.Random) -> str:
    sizes = SIZES[form, language]
    if language == "en":
        return "\n".join(" ".join(dice.sample(WORDS, size)).capitalize() for size in sizes)
    ends = ("",) if form == "haiku" else ("，", "。")
    return "\n".join("".join(dice.sample(HAN, size)) + ends[line % len(ends)] for line, size in enumerate(sizes))


def _verse(shape: Shape, dice: random.Random, seed: str) -> str:
    """A poem in a tune: one character of a set after the other, or step by step where lines have no one length."""
    if isinstance(shape, Row) and all(isinstance(place, Chars) for place in shape.parts):
        return "".join(dice.choice(_known(place)) for place in shape.parts if isinstance(place, Chars))
    return "".join(_walk(shape, seed))


@cache
def _known(place: Chars) -> list[str]:
    """Our own handful of words, or any that may stand there if none of them may."""
    return sorted(place.members & set(HAN)) or sorted(place.members)


def _prose(language: str, seed: str) -> str:
    dice = random.Random(seed)  # noqa: S311 - not a secret
    said: list[str] = []
    while sum(map(len, said)) < ENDLESS:
        said.append(dice.choice(SENTENCES[language]))
    return "".join(said)


def _tokens(text: str) -> list[str]:
    """One Han character, or a word with the space before it, at a time; joined they are the text again."""
    tokens: list[str] = []
    for char in text:
        joins = (
            char.isascii() and char.isalpha() and tokens and tokens[-1][-1:].isascii() and tokens[-1][-1:] not in "\n"
        )
        if joins and (tokens[-1][-1].isalpha() or tokens[-1] == " "):
            tokens[-1] += char
        else:
            tokens.append(char)
    return tokens


def _walk(shape: Shape, seed: str) -> Iterator[str]:
    """Word by word through what may follow somebody else's words, until it is whole. Slow, and seldom needed."""
    dice = random.Random(seed)  # noqa: S311 - not a secret
    for _ in range(ENDLESS):
        if may_end(shape) and (not _steps(shape, dice) or dice.random() < 0.3):
            return
        word, shape = _steps(shape, dice)[0]
        yield word


def _steps(shape: Shape, dice: random.Random) -> list[tuple[str, Shape]]:
    """A few words that may come next, with what may follow each; any characters only where none of our words fits."""
    words = [*dice.sample(HAN, 6), *(space + word for word in dice.sample(WORDS, 4) for space in ("", " "))]
    words += [word.capitalize() for word in dice.sample(WORDS, 4)]
    others = sorted(heads(shape))
    steps = _fitting(shape, words) or _fitting(shape, dice.sample(others, min(9, len(others))))
    dice.shuffle(steps)
    return steps


def _fitting(shape: Shape, words: list[str]) -> list[tuple[str, Shape]]:
    steps: list[tuple[str, Shape]] = []
    for word in words:
        ahead = shape
        for char in word:
            ahead = after(ahead, char)
        if ahead != NOTHING:
            steps.append((word, ahead))
    return steps
