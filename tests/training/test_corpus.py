"""What goes into the corpus, under which wish, and what is left out for which reason."""

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from inference.request import Ask, Kind, messages
from inference.verse.check import check
from inference.verse.data.make_known import Found
from tests.training import tiny_base
from training import batch
from training.corpus import TOGETHER, Dropped, gather, main
from training.imagery import images, wishes

# Ours, in traditional script as the package has its poems.
RAIN = ("山雨過秋林", "溪聲入夜深", "孤燈人未睡", "疎磬一窗陰")
LAMP = ("舊路入寒松", "人家隔水逢", "一燈風裏小", "深院落疎鐘")


def poem(lines: tuple[str, ...] = RAIN, title: str = "晚晴", fame: float = 5.0, author: str = "甲") -> Found:
    return Found(fame, author, title, lines)


def offered(*found: Found, most: int = 10) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    corpus = gather(found, most)
    return list(corpus.lines()), corpus.report()


def test_a_right_poem_is_kept_in_our_script_as_the_house_writes_and_prompts() -> None:
    (line,), report = offered(poem(title="秋夜"))
    (kept,) = line["completions"]
    assert kept["text"] == "山雨过秋林，\n溪声入夜深。\n孤灯人未睡，\n疏磬一窗阴。"
    assert check(kept["text"], "wujue").right
    assert line["prompt"] == messages(Ask(Kind.POEM, "wujue", "秋夜", "", "", "zh"))
    assert (report["read"], report["kept"], report["left_out"]) == (1, {"wujue": 1}, {})


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (poem(RAIN[:3]), Dropped.OTHER_SIZE),
        (poem((*RAIN[:3], "疎磬一窗")), Dropped.OTHER_SIZE),
        (poem(title="句"), Dropped.FRAGMENT),
        (poem(title="奉和聖制早春應制"), Dropped.OCCASION),
        (poem(title="送李員外歸山"), Dropped.OCCASION),
        (poem(("君王過秋林", *RAIN[1:])), Dropped.ELSEWHERE),
        (poem(("山雨過龘林", *RAIN[1:])), Dropped.RARE),
        (poem((RAIN[0],) * 4), Dropped.CIRCLES),
        (poem(("人生皆有定", "何必苦相求", "自在心無事", "從他萬事休")), Dropped.NO_IMAGE),
        (poem(("春眠不覺曉", "處處聞啼鳥", "夜來風雨聲", "花落知多少")), Dropped.KNOWN),
        (poem(("山雨過秋天", *RAIN[1:])), Dropped.METRE),
    ],
    ids=lambda each: each if isinstance(each, Dropped) else each.title,
)
def test_what_is_left_out_says_why(found: Found, why: Dropped) -> None:
    lines, report = offered(found)
    assert not lines
    assert report["left_out"] == {why: 1}
    assert report["for_example"][why]


def test_another_reading_of_a_poem_is_left_out_and_the_better_known_stays() -> None:
    other = ("山色過秋林", "溪聲入夜深", "孤燈人未睡", "疎磬一窗陰")
    (line,), report = offered(poem(other, fame=1.0, author="乙"), poem(fame=9.0), poem(fame=0.5, author="丙"))
    assert "山雨" in line["completions"][0]["text"]
    assert report["left_out"] == {Dropped.VARIANT: 1, Dropped.DUPLICATE: 1}


def test_of_each_form_there_are_at_most_as_many_as_were_wanted() -> None:
    _, report = offered(poem(), poem(LAMP, fame=1.0), most=1)
    assert report["left_out"] == {Dropped.ENOUGH: 1}


def test_poems_of_one_wish_are_one_group_up_to_four() -> None:
    (line,), _ = offered(poem(title="秋夜"), poem(LAMP, title="秋夜"))
    assert len(line["completions"]) == 2
    assert sum(each["weight"] for each in line["completions"]) == pytest.approx(1)
    assert TOGETHER == 4


def test_a_wish_is_a_title_that_says_something_or_what_is_seen_in_the_poem() -> None:
    assert wishes("秋夜", "孤灯人未睡")[0] == "秋夜"
    assert wishes("寄元九", "明月照孤舟")[0] == "明月"
    assert "明月和孤舟" in wishes("", "明月照孤舟")
    assert wishes("", "夜雨湿寒江")[0] == "夜里的寒江"
    assert images("明月照孤舟") == ["明月", "孤舟"]


def test_from_the_package_to_a_run_that_can_be_trained(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = [{"author": "甲", "title": "秋夜", "paragraphs": ["，".join(RAIN[:2]) + "。", "，".join(RAIN[2:]) + "。"]}]
    ranks = [{"author": "甲", "title": "秋夜", "baidu": 3}]
    archive = tmp_path / "package.tgz"
    with tarfile.open(archive, "w:gz") as package:
        for name, rows in {
            "quantangshi/poet.tang.0.json": told,
            "rank/poet/poet.tang.rank.0.json": ranks,
            "quantangshi/error/poet.tang.0.json": told * 3,
        }.items():
            member, data = tarfile.TarInfo(f"package/dist/{name}"), json.dumps(rows).encode()
            member.size = len(data)
            package.addfile(member, io.BytesIO(data))
    assert main([str(archive), str(tmp_path / "out")]) == 0
    assert json.loads(capsys.readouterr().out)["kept"] == {"wujue": 1}
    read = batch.read(tmp_path / "out/data.jsonl", tiny_base.tokenizer(), 4096)
    assert len(read.train) + len(read.held_out) == 1
