"""Whatever goes out in whichever format comes back as the same rows; each trainer finds the columns that it reads."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.datasets import FORMATS, BadDataset, Row, card, lines, records
from training.parquet import read, write_folder

TEXT = st.text(st.characters(codec="utf-8"), max_size=30)
LINE = st.sampled_from(["", "a\u2028b\u0085c", "春\r\n眠", '"', "\x00"]) | TEXT
SYSTEM = {"role": "system", "content": "你是一位诗人。"}


def row(**said: object) -> Row:
    usual = {
        "id": "p1",
        "prompt": (SYSTEM, {"role": "user", "content": "题目：「白露」"}),
        "chosen": "白露垂秋草，",
        "rejected": "今天天气好，",
        "writer": "abcd2345",
        "kind": "poem",
        "language": "zh",
        "source": "compare",
        "split": "train",
        "state": "approved",
        "night": "2026-11-24",
        "gap": 0.5,
        "weight": 1.0,
        "form": "wujue",
        "tags": ("fresh",),
    }
    return Row(**(usual | said))  # type: ignore[arg-type]


@st.composite
def some_rows(draw: st.DrawFn) -> list[Row]:
    made = []
    for at in range(draw(st.integers(0, 4))):
        asked = (SYSTEM, {"role": "user", "content": draw(LINE)})
        begun = draw(st.sampled_from([(), ({"role": "assistant", "content": "床前明月光，\n"},)]))
        made.append(
            row(
                id=f"p{at}",
                prompt=asked + begun,
                chosen=draw(LINE),
                rejected=draw(LINE),
                split=draw(st.sampled_from(["train", "held_out"])),
                gap=draw(st.floats(0, 1)),
                tags=tuple(draw(st.lists(st.sampled_from(["fresh", "stale"]), max_size=2))),
                rejected_position=draw(st.integers(0, 3)),
            )
        )
    return made


@pytest.mark.parametrize("form", FORMATS)
@given(rows=some_rows())
def test_what_goes_out_comes_back(form: str, rows: list[Row]) -> None:
    with TemporaryDirectory() as folder:
        written = write_folder(rows, form, Path(folder))
        assert sorted(read(Path(folder), form), key=lambda each: each.id) == rows
        for path in written:
            if path.suffix in (".jsonl", ".parquet"):  # nobody trains on what is held out
                assert read(path, form) == [each for each in rows if each.split == path.stem]


def test_trl_finds_a_conversational_preference_dataset() -> None:
    (told,) = records([row()], "trl")
    assert told["prompt"][0] == SYSTEM
    assert told["chosen"] == [{"role": "assistant", "content": "白露垂秋草，"}]
    assert told["rejected"] == [{"role": "assistant", "content": "今天天气好，"}]


def test_kto_finds_one_wanted_and_one_unwanted_text() -> None:
    wanted, unwanted = records([row()], "kto")
    assert (wanted["label"], wanted["completion"][0]["content"]) == (True, "白露垂秋草，")
    assert (unwanted["label"], unwanted["completion"][0]["content"]) == (False, "今天天气好，")


def test_swift_finds_messages_that_end_in_the_chosen_answer() -> None:
    begun = (*row().prompt, {"role": "assistant", "content": "秋风起，\n"})
    (told,) = records([row(prompt=begun)], "ms-swift")
    assert [each["role"] for each in told["messages"]] == ["system", "user", "assistant"]
    assert told["messages"][-1]["content"] == "秋风起，\n白露垂秋草，"
    assert told["rejected_response"] == "秋风起，\n今天天气好，"


def test_llamafactory_finds_what_its_dataset_info_promises(tmp_path: Path) -> None:
    write_folder([row()], "llamafactory", tmp_path)
    info = json.loads((tmp_path / "dataset_info.json").read_text("utf-8"))["bailu"]
    told = json.loads((tmp_path / info["file_name"]).read_text("utf-8"))
    turns = told[info["columns"]["messages"]]
    assert [each["from"] for each in turns] == ["system", "human"]
    assert told[info["columns"]["chosen"]] == {"from": "gpt", "value": "白露垂秋草，"}
    assert info["ranking"] is True
    assert info["formatting"] == "sharegpt"


def test_the_card_counts_and_names_every_column() -> None:
    told = card([row(), row(id="p2", split="held_out", writer="zzzz2222")], license="cc-by-4.0")
    assert "2 pairs by 2 writers" in told
    assert "| split held_out | 1 |" in told
    assert "license: cc-by-4.0" in told
    (record,) = records([row()], "hf")
    assert all(f"`{name}`" in told for name in record if name != "id")


def test_a_record_is_one_line_whatever_is_in_it() -> None:
    told = list(lines([row(chosen="a\u2028b\u0085c\nd")], "trl"))
    assert [each.count("\n") for each in told] == [1]


@pytest.mark.parametrize("text", ["{", '{"id": 1}', "[]", '{"id": "a", "prompt": []}', "\udcff"])
@pytest.mark.parametrize("form", [form for form in FORMATS if form != "hf"])
def test_a_strange_file_is_refused_in_words(tmp_path: Path, text: str, form: str) -> None:
    path = tmp_path / "pairs.jsonl"
    path.write_text(text, encoding="utf-8", errors="surrogateescape")
    with pytest.raises(BadDataset):
        read(path, form)


@pytest.mark.parametrize("name", ["pairs.parquet", "nowhere.jsonl", "nowhere.parquet"])
def test_so_is_one_that_is_no_parquet_or_not_there(tmp_path: Path, name: str) -> None:
    (tmp_path / "pairs.parquet").write_bytes(b"PAR1 not really")
    with pytest.raises(BadDataset):
        read(tmp_path / name, "trl")
