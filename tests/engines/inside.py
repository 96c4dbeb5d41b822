"""Runs inside the process that holds an engine's own code: answers, a line each, what that code makes of something.

    python -m tests.engines.inside KIND FOLDER

CUDA libraries and web servers are stubbed, each by name; what decides about requests and command lines is theirs.
"""

import ast
import importlib
import importlib.abc
import importlib.machinery
import json
import os
import sys
import time
import types
from collections.abc import Callable, MutableSequence
from pathlib import Path
from typing import Any

WEB = ("distro", "fastapi", "httpx", "jiter", "sniffio", "starlette")
# Not here, and of no say in what a request or an argument means. The last of SGLang's is its own and full of CUDA.
STUBBED = {
    "sglang": [*WEB, "IPython", "pybase64", "triton", "zmq", "sglang.srt.managers.schedule_batch"],
    "lmdeploy": [*WEB, "uvicorn", "yapf"],
    "peft": [],
}
# Their packages whose __init__ would load the whole engine: entered without running it.
BARE = {
    "sglang": ["sglang", "sglang.srt.entrypoints", "sglang.srt.managers"],
    "lmdeploy": ["lmdeploy", "lmdeploy.serve", "lmdeploy.serve.core", "lmdeploy.serve.openai", "lmdeploy.cli"],
    "peft": [],
}


class Stub(types.ModuleType):
    """A module of which every name is an empty class."""

    __path__: MutableSequence[str] = []

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        made = type(name, (), {"__init__": lambda *_, **__: None, "__class_getitem__": classmethod(lambda own, _: own)})
        setattr(self, name, made)
        return made


class Stubs(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds the stubbed modules that are not here; what is here is used as it is."""

    def __init__(self, names: list[str]) -> None:
        self._names = names

    def find_spec(self, name: str, *_: Any) -> importlib.machinery.ModuleSpec | None:
        if name.split(".", maxsplit=1)[0] in self._names or name in self._names:
            return importlib.machinery.ModuleSpec(name, self, is_package=True)
        return None

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType:
        return Stub(spec.name)

    def exec_module(self, module: types.ModuleType) -> None:
        pass


def prepare(kind: str, folder: Path) -> None:
    """Make their code importable."""
    sys.path[:0] = [str(folder / "code"), str(folder / "site")]
    sys.meta_path.append(Stubs([name for name in STUBBED[kind] if name.count(".") == 0]))
    sys.meta_path.insert(0, Stubs([name for name in STUBBED[kind] if name.count(".")]))
    for name in BARE[kind]:
        package = types.ModuleType(name)
        package.__path__ = [str(folder / "code" / name.replace(".", "/"))]
        sys.modules[name] = package


def theirs(module: str, name: str) -> Any:
    """A name out of one of their modules."""
    return getattr(importlib.import_module(module), name)


def method(folder: Path, module: str, owner: str, name: str) -> Any:
    """One method of a class of theirs, without the module's imports: for code that stands by itself in a heavy file."""
    tree = ast.parse((folder / "code" / module).read_text(encoding="utf-8"))
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == owner]
    found = [node for node in ast.walk(classes[0]) if isinstance(node, ast.FunctionDef) and node.name == name]
    future = ast.parse("from __future__ import annotations").body
    names: dict[str, Any] = {}
    exec(compile(ast.Module([*future, *found], []), module, "exec"), names)
    return names[name]


def routes(folder: Path, module: str) -> list[str]:
    """The method and path of every route that a module of theirs declares; read, not run."""
    found = []
    for node in ast.walk(ast.parse((folder / "code" / module).read_text(encoding="utf-8"))):
        for call in getattr(node, "decorator_list", ()):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.args:
                path = call.args[0]
                if isinstance(path, ast.Constant) and str(path.value).startswith("/"):
                    named = [word.value for word in call.keywords if word.arg == "methods"]
                    methods = ast.literal_eval(named[0]) if named else [call.func.attr.upper()]
                    found += [f"{method} {path.value!s}" for method in methods]
    return found


def compiled(compiling: Callable[[], Any], texts: list[str]) -> dict[str, Any]:
    """The processor's seconds that their compiling takes, and which texts have the shape that comes of it.

    The least of three: who else is on the machine makes a second dearer, never cheaper.
    """
    seconds = []
    for _ in range(3):
        began = time.process_time()
        made = compiling()
        seconds.append(time.process_time() - began)
    return {"seconds": min(seconds), "takes": [_takes(made, text) for text in texts]}


def _takes(made: Any, text: str) -> bool:
    matcher = theirs("xgrammar", "GrammarMatcher")(made)
    return bool(matcher.accept_string(text) and matcher.is_completed())


def tokenizer(model: str) -> Any:
    """The tokenizer of a model that lies on disk."""
    return theirs("transformers", "AutoTokenizer").from_pretrained(model)


def types_of(model: Any) -> dict[str, list[str]]:
    """The JSON types that each field of a pydantic model may have."""
    schema = model.model_json_schema()
    known = schema.get("$defs", {})

    def kinds(part: dict[str, Any]) -> set[str]:
        if "$ref" in part:
            return kinds(known[part["$ref"].rsplit("/", 1)[-1]])
        if "type" in part:
            return {part["type"]}
        some = [kinds(each) for each in part.get("anyOf", part.get("oneOf", ()))]
        return set().union(*some) if some else {"any"}

    return {name: sorted(kinds(part)) for name, part in schema["properties"].items()}


def main() -> None:
    """Answer until there are no more questions. What their code prints goes to standard error."""
    kind, folder = sys.argv[1], Path(sys.argv[2])
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    prepare(kind, folder)
    asked: dict[str, Callable[..., Any]] = vars(importlib.import_module(f"tests.engines.inside_{kind}"))
    for line in sys.stdin:
        said = json.loads(line)
        try:
            told = {"answer": asked[said["question"]](folder=folder, **said["about"])}
        except BaseException as error:  # a parser of theirs exits
            told = {"refused": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(told, default=str) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
