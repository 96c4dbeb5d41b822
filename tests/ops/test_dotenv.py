"""The .env reader: plain, and strict."""

import os
from pathlib import Path

import pytest

from ops import dotenv
from ops.house import ROOT
from ops.words import Refusal


def test_it_reads_names_values_quotes_and_comments() -> None:
    text = "# a comment\n\nPORT=8001\nexport HOST = '0.0.0.0'\nSECRET_KEY=\"a # b=c\"\nEMPTY=\n"
    assert dotenv.parse(text) == {"PORT": "8001", "HOST": "0.0.0.0", "SECRET_KEY": "a # b=c", "EMPTY": ""}


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=8000   # its port", "8000"),
        ("A=\t# nothing", ""),
        ("A=# nothing", ""),
        ("A=red#blue", "red#blue"),
        ("A='red # blue'  # 'both'", "red # blue"),
        ('A="#red"', "#red"),
        ('A="red', '"red'),
    ],
)
def test_a_comment_behind_a_value_is_none_of_it(line: str, value: str) -> None:
    assert dotenv.parse(line) == {"A": value}


def test_every_line_of_the_example_may_be_uncommented() -> None:
    lines = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
    shown = [line.removeprefix("#") for line in lines if line[1:2].isupper()]
    found = dotenv.parse("\n".join(shown))
    assert len(found) == len(shown) > 50
    assert found["SECRET_KEY"] == found["METRICS_TOKEN"] == ""
    assert (found["PORT"], found["HF_ENDPOINT"]) == ("8000", "https://huggingface.co")
    assert not any("#" in value or " " in value for value in found.values())


def test_it_names_the_line_it_cannot_understand() -> None:
    with pytest.raises(Refusal, match=r"line 2|第 2 行"):
        dotenv.parse("PORT=8001\nwhat is this\n")


def test_the_environment_wins_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOG_LEVEL", "ERROR")
    monkeypatch.delenv("MODEL_MIRROR", raising=False)
    (tmp_path / ".env").write_text("LOG_LEVEL=DEBUG\nMODEL_MIRROR=/somewhere\n", encoding="utf-8")
    dotenv.load(tmp_path / ".env")
    assert (os.environ["LOG_LEVEL"], os.environ["MODEL_MIRROR"]) == ("ERROR", "/somewhere")


def test_no_file_is_no_trouble(tmp_path: Path) -> None:
    dotenv.load(tmp_path / ".env")
