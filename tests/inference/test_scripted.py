"""Traditional script: the right character of two by what stands beside it, whatever the pieces, and back again."""

import random
from collections.abc import AsyncGenerator
from typing import Any

import aiohttp
import pytest

from inference import scripted
from inference.engines.base import Node
from inference.engines.fake.poet import tokens_of
from inference.request import Ask, Kind, Request, another_line, messages, sampling
from inference.rest import rest_of
from inference.sse import Piece
from inference.verse import check, forms
from inference.verse.characters import HAN
from inference.verse.options import Options
from inference.verse.registry import FORMS
from inference.verse.script import as_made, simple, simplified, traditional

NODE = Node("n", "fake", "http://127.0.0.1:1")


class Poet:
    """The fake engine's poet, without its server: it reads a request as every engine does."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.seen: list[Request] = []

    async def stream(self, http: Any, node: Node, request: Request) -> AsyncGenerator[Piece, None]:
        self.seen.append(request)
        rest_of(request)  # raises if what is written has not the form
        tokens = [*tokens_of(request.sampling | {"written": request.written}, "湖", 60)]
        for at in range(0, len(tokens), self.size):
            yield Piece("".join(tokens[at : at + self.size]), 1)
        yield Piece("", 0, "stop")


async def written(request: Request, size: int = 1) -> tuple[str, Poet, list[str]]:
    poet = Poet(size)
    async with aiohttp.ClientSession() as http:
        pieces = [piece.text async for piece in scripted.stream(poet.stream, http, NODE, request)]
    return "".join(pieces), poet, pieces


def request_for(form: str, *, script: str = "hant", seed: int = 1, done: str = "", **more: Any) -> Request:
    kind = Kind.POEM if form in FORMS else Kind(form)
    ask = Ask(kind, form if form in FORMS else "", "湖", "", "", "zh", options=Options(script=script, **more))
    return Request(messages(ask), sampling(ask, 0, seed), done)


@pytest.mark.parametrize(
    ("line", "turned"),
    [
        ("白发三千丈", "白髮三千丈"),
        ("花发上林枝", "花發上林枝"),
        ("霜发镜中新", "霜髮鏡中新"),
        ("太后雨后归", "太后雨後歸"),
        ("千里梦里人", "千里夢裡人"),
        ("人面映水面", "人面映水面"),
        ("一碗汤面香", "一碗湯麵香"),
        ("白云深处住", "白雲深處住"),
        ("孔子云何在", "孔子云何在"),
        ("只有一只雁", "只有一隻雁"),
        ("露干枝干老", "露乾枝幹老"),
        ("阑干干戈后", "闌干干戈後"),
        ("楼台对天台", "樓臺對天台"),
        ("风范忆范公", "風範憶范公"),
        ("余生听余音", "餘生聽餘音"),
        ("征人远未还", "征人遠未還"),
        ("晨钟一钟鸣", "晨鐘一鐘鳴"),
        ("老少咸来集", "老少咸來集"),
        ("香烟绕昆仑", "香煙繞崑崙"),
    ],
)
def test_the_right_one_of_two_by_what_stands_beside_it(line: str, turned: str) -> None:
    assert traditional(line) == turned
    assert simplified(turned) == line


def test_every_line_keeps_its_length_and_comes_back_as_it_was() -> None:
    dice = random.Random(1)
    own = [char for char in HAN if simplified(char) == char]
    assert len(HAN) - len(own) < 10
    for _ in range(3000):
        line = "".join(dice.choices(own, k=7))
        turned = traditional(line)
        assert len(turned) == 7
        assert simplified(turned) == line, (line, turned)


@pytest.mark.parametrize("form", ["wujue", "qilv", "haiku", "free", "line"])
@pytest.mark.parametrize("size", [1, 3, 50])
async def test_the_pieces_decide_nothing_and_no_line_comes_torn(form: str, size: int) -> None:
    whole, _, _ = await written(request_for(form, script="hans"))
    turned, _, pieces = await written(request_for(form), size)
    assert simplified(turned) == whole
    assert turned == "".join(scripted._lines(line) for line in whole.splitlines(keepends=True))
    assert all(piece[-1] in scripted.ENDS for piece in pieces[:-1] if piece) or size == 50
    assert form == "line" or forms.conforms(form, turned, options=Options(script="hant"))


@pytest.mark.parametrize("form", ["wujue", "qilv"])
async def test_a_poem_is_in_metre_in_either_script(form: str) -> None:
    for seed in range(12):
        turned, _, _ = await written(request_for(form, seed=seed))
        assert check.check(turned, form).right, turned


@pytest.mark.parametrize("form", ["wujue", "qijue", "haiku", "free"])
async def test_it_goes_on_from_every_line_that_was_shown(form: str) -> None:
    turned, _, _ = await written(request_for(form))
    for at, char in enumerate(turned):
        if char in scripted.ENDS:
            rest, poet, _ = await written(request_for(form, done=turned[: at + 1]))
            assert poet.seen[0].written == as_made(turned[: at + 1], form)
            assert forms.conforms(form, turned[: at + 1] + rest, options=Options(script="hant"))


async def test_another_line_is_asked_for_and_comes_in_the_same_script() -> None:
    asked = request_for("wujue", seed=3)
    turned, _, _ = await written(asked)
    lines = turned.split("\n")
    for at in range(4):
        seen, drawn = another_line(asked.messages, asked.sampling, turned, at, 9)
        line, poet, _ = await written(Request(seen, drawn))
        before = [each["content"] for each in poet.seen[0].messages if each["role"] == "assistant"]
        assert all(simplified(each) == each for each in before)
        poem = "\n".join([*lines[:at], line, *lines[at + 1 :]])
        assert line != lines[at]
        assert forms.conforms("wujue", poem, options=Options(script="hant"))


async def test_what_she_asks_for_in_traditional_script_stands_there() -> None:
    asked: dict[str, Any] = {"head": "風花雪月", "words": ("鐘聲",)}
    turned, _, _ = await written(request_for("qijue", **asked))
    assert "".join(line[0] for line in turned.split("\n")) == "風花雪月"
    assert "鐘聲" in turned
    assert forms.conforms("qijue", turned, options=Options(script="hant", **asked))
    hant = Options(script="hant", **asked)
    assert simple(hant, "qijue") == Options(script="hant", head="风花雪月", words=("钟声",))


@pytest.mark.parametrize("form", ["wujue", "busuanzi", "duilian", "free"])
def test_in_simplified_script_what_she_asks_for_has_the_word_that_she_wrote(form: str) -> None:
    asked = Options(words=("著书", "看着", "鐘聲"), pins=((0, "春风著柳枝"),))
    assert simple(asked, form) == Options(words=("著书", "看着", "钟声"), pins=((0, "春风著柳枝"),))


@pytest.mark.parametrize("script", ["hans", "hant"])
@pytest.mark.parametrize(("form", "line"), [("wujue", "春风著柳枝"), ("duilian", "春风著柳花枝动")])
async def test_a_line_with_the_word_of_verse_in_tones_may_stay(script: str, form: str, line: str) -> None:
    kept = ((0, traditional(line) if script == "hant" else line),)
    text, _, _ = await written(request_for(form, script=script, pins=kept))
    assert text.split("\n")[0][:-1] == kept[0][1]
    assert forms.conforms(form, text, options=Options(script=script, pins=kept))


async def test_simplified_goes_straight_through() -> None:
    text, poet, pieces = await written(request_for("wujue", script="hans"))
    assert len(pieces) == len(text) + 1
    assert poet.seen[0].sampling["constraint"]["form"] == "wujue"


def test_verse_in_tones_keeps_its_own_word() -> None:
    assert as_made("看著花", "wujue") == "看著花"
    assert as_made("看著花", "free") == "看着花"
