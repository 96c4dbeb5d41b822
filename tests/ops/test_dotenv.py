"""The .env reader: plain, and strict."""

import os
from pathlib import Path

import pytest

from ops import dotenv
from ops.words import Refusal


def test_it_reads_names_values_quotes_and_comments() -> None:
    text = "# a comment\n\nPORT=8001\nexport HOST = '0.0.0.0'\nSECRET_KEY=\"a # b=c\"\nEMPTY=\n"
    assert dotenv.parse(text) == {"PORT": "8001", "HOST": "0.0.0.0", "SECRET_KEY": "a # b=c", "EMPTY": ""}


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
