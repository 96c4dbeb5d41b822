"""The rooms hold: imports point one way, no torch where nobody trains, every task names its queue, sizes stay small."""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from writingapp.celery import app
from writingapp.queues import Queue

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("writingapp", "inference", "training", "ops", "bench")

# The walk of design, low to high: a module imports only from its own height or from below.
HEIGHTS = [
    ("env", "queues", "settings", "keys", "metrics", "memory", "bodies", "straight", "faults", "text_wire"),
    ("models",),
    ("statements", "refusals", "impossible", "options_wire"),
    ("access", "db", "pace"),
    ("services", "accounts"),
    ("wire",),
    ("rating_wire", "verse_wire", "verse_words"),
    ("stream",),
    ("outlet", "bell", "feed", "hub", "loop", "visitor", "engineroom"),
    ("looking", "shadowing", "claiming", "writing"),
    ("aside", "scribe", "fitting", "keeper", "tending", "night"),
    ("celery", "tasks", "night_tasks"),
    ("doors", "farewell"),
    ("rating_doors", "photo_doors", "verse_doors"),
    ("views", "forms", "middleware", "admin", "api", "consumers", "management"),
    ("routing", "urls"),
    ("asgi", "web"),
]
HEIGHT = {name: height for height, names in enumerate(HEIGHTS) for name in names}


def modules(room: str) -> list[Path]:
    return [path for path in sorted((ROOT / room).rglob("*.py")) if "migrations" not in path.parts]


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def first_party(tree: ast.AST) -> Iterator[tuple[ast.AST, str]]:
    """Every first-party import in a tree, as (node, dotted name)."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] in ROOMS:
            for alias in node.names:
                yield node, f"{node.module}.{alias.name}"
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] in ROOMS:
                    yield node, alias.name


def test_the_engine_room_and_the_school_know_nothing_of_the_rest() -> None:
    for room, known in {"inference": {"inference"}, "training": {"training", "inference"}}.items():
        for path in modules(room):
            strangers = {name for _, name in first_party(parsed(path)) if name.split(".")[0] not in known}
            assert not strangers, f"{path.relative_to(ROOT)} imports {strangers}"


def test_imports_point_one_way() -> None:
    for path in modules("writingapp"):
        place = path.relative_to(ROOT / "writingapp").parts[0].removesuffix(".py")
        if place == "__init__":
            continue
        for _, name in first_party(parsed(path)):
            parts = name.split(".")
            if parts[0] == "writingapp" and parts[1] in HEIGHT:
                assert HEIGHT[parts[1]] <= HEIGHT[place], f"{path.relative_to(ROOT)} imports {name} from above"


def test_every_module_has_a_place_in_the_walk() -> None:
    places = {path.relative_to(ROOT / "writingapp").parts[0].removesuffix(".py") for path in modules("writingapp")}
    assert places - {"__init__"} == set(HEIGHT)


def test_no_first_party_import_hides_in_a_function() -> None:
    for room in ROOMS:
        for path in modules(room):
            tree = parsed(path)
            inside = {
                node
                for function in ast.walk(tree)
                if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
                for node in ast.walk(function)
            }
            hidden = [name for node, name in first_party(tree) if node in inside]
            assert not hidden, f"{path.relative_to(ROOT)} hides {hidden}"


@pytest.mark.parametrize("door", ["writingapp.asgi", "writingapp.tasks", "inference.embedded"])
def test_no_training_library_comes_along(door: str) -> None:
    """In a fresh interpreter, as the processes themselves start."""
    setup = "import django; django.setup(); " if door == "writingapp.tasks" else ""
    look = f"import sys; {setup}import {door}; heavy = {{'torch', 'transformers', 'peft', 'vllm'}} & set(sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", f"{look}; sys.exit(str(heavy) if heavy else 0)"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "writingapp.settings"},
    )
    assert done.returncode == 0, done.stderr[-500:]


def test_every_task_names_its_queue() -> None:
    app.loader.import_default_modules()
    own = [task for name, task in app.tasks.items() if not name.startswith("celery.")]
    assert own
    for task in own:
        assert vars(type(task)).get("queue") in set(Queue), task.name


def test_files_and_functions_stay_small() -> None:
    for path in [each for room in (*ROOMS, "tests") for each in modules(room)]:
        source = path.read_text(encoding="utf-8")
        assert source.count("\n") <= 400, f"{path.relative_to(ROOT)} is too long"
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or 0) - node.lineno + 1
                assert length <= 60, f"{path.relative_to(ROOT)}: {node.name} has {length} lines"


def test_every_module_and_class_says_what_it_is_for() -> None:
    for path in [each for room in ROOMS for each in modules(room)]:
        tree = parsed(path)
        if path.name != "__init__.py" or tree.body:
            assert ast.get_docstring(tree), f"{path.relative_to(ROOT)} says nothing"
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef) and node.name not in ("Meta", "Media"):
                assert ast.get_docstring(node), f"{path.relative_to(ROOT)}: {node.name} says nothing"
