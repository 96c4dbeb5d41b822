"""What a start does when something that it can do without is not to be had."""

from pathlib import Path

import pytest

from ops.run import fetch_tagger


def test_a_house_without_the_classifier_says_so_and_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    for name, value in {"MODEL_CACHE": str(tmp_path), "PIP_NO_INDEX": "1", "MODEL_MIRROR": "", "LANG": "C"}.items():
        monkeypatch.setenv(name, value)
    for name in ("LC_ALL", "LC_MESSAGES", "PIP_FIND_LINKS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    fetch_tagger()
    assert "PHOTO_TAGS=no" in "".join(capfd.readouterr())
