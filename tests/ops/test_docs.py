"""What the pages say about settings, processes and folders is what the code has."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

from ops.house import ROOT, from_environment
from ops.processes import programs

READERS = {"text", "boolean", "integer", "clock", "listing", "folder", "secret", "setting"}
FILES = ["writingapp/settings.py", "ops/house.py", "inference/supply.py"]
LINE = re.compile(r"^#(?P<name>[A-Z_]+)=(?P<default>\S*) +# (?P<sentence>.{5,})$", re.MULTILINE)


def settings_read() -> set[str]:
    names = set()
    for file in FILES:
        for node in ast.walk(ast.parse((ROOT / file).read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and node.args and isinstance(first := node.args[0], ast.Constant):
                called = node.func.attr if isinstance(node.func, ast.Attribute) else ast.unparse(node.func)
                if called in READERS and isinstance(first.value, str) and first.value.isupper():
                    names.add(first.value)
    return names


def settings_table() -> dict[str, str]:
    chapter = page("docs/operations.md").split("## Settings")[1].split("\n## ")[0]
    rows = [line.split("|") for line in chapter.splitlines() if line.startswith("| `")]
    return {name.strip(" `"): default.strip() for _, name, default, _meaning, _ in rows}


def page(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_the_reader_of_settings_finds_some() -> None:
    assert {"PORT", "MODEL_MIRROR", "DATABASE_URL"} <= settings_read()


def test_the_example_file_names_every_setting_once_with_a_sentence() -> None:
    found = [line["name"] for line in LINE.finditer(page(".env.example"))]
    assert sorted(found) == sorted(settings_read())


def test_the_table_names_every_setting() -> None:
    assert sorted(settings_table()) == sorted(settings_read())


def test_defaults_in_the_example_and_in_the_table_agree() -> None:
    table = settings_table()
    for line in LINE.finditer(page(".env.example")):
        if line["default"]:
            assert table[line["name"]] == f"`{line['default']}`"


def test_the_processes_read_the_defaults_that_the_pages_read() -> None:
    """Two rooms read the same variables; neither may import the other."""
    source = page("writingapp/settings.py")
    default = {
        name: value for name, value in re.findall(r'env\.(?:text|integer)\(\s*"([A-Z_]+)", "?([^",)]+)"?[,)]', source)
    }
    house = page("ops/house.py") + page("inference/models/catalogue.py")
    for name in ("HOST", "PORT", "EMBEDDED_REDIS_PORT", "EMBEDDED_ENGINE_PORT", "LOG_LEVEL"):
        assert re.search(rf'"{name}", "?{re.escape(default[name])}"?[,)]', house), name
    assert f'DEFAULT = "{default["MODEL"]}"' in house


def tree() -> dict[str, str]:
    """The paths of README's tree with their phrases."""
    block = page("README.md").split("## The house")[1].split("```")[1]
    paths, above = {}, ""
    for line in block.strip("\n").splitlines():
        found = re.fullmatch(r"(?P<indent> *)(?P<name>\S+)\s{2,}(?P<phrase>\S.*)", line)
        assert found is not None, line
        if found["indent"]:
            paths[above + found["name"]] = found["phrase"]
        else:
            above = found["name"]
            paths[above] = found["phrase"]
    return paths


def on_disk() -> set[str]:
    """Top-level entries and the folders in them, as git sees them."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    found = set()
    for path in map(Path, listed.stdout.splitlines()):
        if (ROOT / path).exists():
            found.add(path.parts[0] + ("/" if len(path.parts) > 1 else ""))
            if len(path.parts) > 2:
                found.add(f"{path.parts[0]}/{path.parts[1]}/")
    return found


def test_the_tree_in_the_readme_is_the_tree_on_disk() -> None:
    assert sorted(tree()) == sorted(on_disk())


@pytest.mark.parametrize("origins", ["", "https://bailu.example", "https://bailu.example, http://10.0.0.2:8000"])
def test_the_procfile_runs_what_make_run_runs(origins: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("REDIS_URL", "ENGINE_URL", "ENGINE_NODES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SITE_ORIGINS", origins)
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    procfile = dict(line.split(": ", 1) for line in page("Procfile").splitlines() if not line.startswith("#"))
    started = {program.name: program.argv for program in programs(from_environment(), Path("model.gguf"))}
    assert set(procfile) == set(started)
    shell = ["sh", "-c", f"echo {procfile['web']}"]
    procfile["web"] = subprocess.run(shell, capture_output=True, text=True, check=True).stdout
    for name, command in procfile.items():
        flags = re.findall(r"(?<=\s)--?[A-Za-z][\w-]*", re.sub(r"\$\([^)]*\)", "", command))
        assert set(flags) == {part for part in started[name] if re.fullmatch(r"--?[A-Za-z][\w-]*", part)}, name


@pytest.mark.parametrize("name", ["README.md", "docs/operations.md"])
def test_every_link_and_make_target_exists(name: str) -> None:
    text = page(name)
    for link in re.findall(r"\]\((?!http)([^)#]+)", text):
        assert (ROOT / name).parent.joinpath(link).exists(), link
    targets = set(re.findall(r"^([a-z-]+):", page("Makefile"), re.MULTILINE))
    assert set(re.findall(r"\bmake ([a-z-]{3,})\b", text.replace("and `make`", ""))) <= targets
