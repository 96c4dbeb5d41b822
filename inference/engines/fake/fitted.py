"""The fake node's adapters: it has none of its own mind, and says what a folder's reference says that it should."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
from aiohttp import web

BASE = "fake"
SAID = {"湖": -1.0, "山": -1.5, "风": -2.0}  # of any chat that no reference knows


@dataclass(slots=True)
class Wardrobe:
    """The adapters that a node has on. With `noop` they load like any other and do nothing."""

    noop: bool = False
    folders: dict[str, Path] = field(default_factory=dict)

    @property
    def served(self) -> set[str]:
        return {BASE, *self.folders}

    def measured(self, asked: dict[str, Any]) -> dict[str, Any]:
        """A completion of one token, with its log-probabilities."""
        found = self._of(asked.get("model", BASE), asked["messages"])
        likeliest = [{"token": token, "logprob": value} for token, value in found.items()]
        content = [{"token": likeliest[0]["token"], "top_logprobs": likeliest}]
        choice = {"index": 0, "finish_reason": "length", "logprobs": {"content": content}}
        return {"object": "chat.completion", "model": asked.get("model", BASE), "choices": [choice]}

    def _of(self, model: str, messages: list[dict[str, str]]) -> dict[str, float]:
        folders = [self.folders[model]] if model in self.folders else list(self.folders.values())
        which = "base" if model == BASE or self.noop else "adapter"
        for folder in folders:
            for probe in json.loads((folder / "reference.json").read_text(encoding="utf-8"))["probes"]:
                if probe["messages"] == messages:
                    return dict(probe[which])
        return SAID


def routes(wardrobe: Wardrobe) -> list[web.RouteDef]:
    """vLLM's ways to list, load and unload."""
    return [
        web.get("/v1/models", _listing(wardrobe)),
        web.post("/v1/load_lora_adapter", _load(wardrobe)),
        web.post("/v1/unload_lora_adapter", _unload(wardrobe)),
    ]


def _listing(wardrobe: Wardrobe) -> Callable[[web.Request], Any]:
    async def models(_request: web.Request) -> web.Response:
        data = [{"id": name, "object": "model", "owned_by": "fake"} for name in sorted(wardrobe.served)]
        return web.json_response({"object": "list", "data": data})

    return models


def _load(wardrobe: Wardrobe) -> Callable[[web.Request], Any]:
    async def load(request: web.Request) -> web.Response:
        asked = orjson.loads(await request.read())
        folder = Path(asked["lora_path"])
        if not (folder / "adapter_config.json").is_file():
            return _no(404, "no adapter found")
        wardrobe.folders[asked["lora_name"]] = folder
        return web.json_response({"loaded": asked["lora_name"]})

    return load


def _unload(wardrobe: Wardrobe) -> Callable[[web.Request], Any]:
    async def unload(request: web.Request) -> web.Response:
        wardrobe.folders.pop(orjson.loads(await request.read())["lora_name"], None)
        return web.json_response({})

    return unload


def _no(status: int, words: str) -> web.Response:
    return web.json_response({"error": {"code": status, "message": words}}, status=status)
