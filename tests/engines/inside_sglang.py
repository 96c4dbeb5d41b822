"""What SGLang's own code makes of our words; runs in the process of `tests.engines.inside`."""

import argparse
import types
from pathlib import Path
from typing import Any

from tests.engines import inside

SERVED = "sglang/srt/entrypoints"
PROTOCOL = "sglang.srt.entrypoints.openai.protocol"


def chat(folder: Path, body: dict[str, Any]) -> dict[str, Any]:
    """A chat request as it is kept, and the sampling parameters that reach the engine."""
    request = inside.theirs(PROTOCOL, "ChatCompletionRequest").model_validate(body)
    sampling = request.to_sampling_params(request.stop, {})
    checked = inside.theirs("sglang.srt.sampling.sampling_params", "SamplingParams")(**sampling)
    checked.verify(151_936)
    return {"kept": request.model_dump(exclude_unset=True, by_alias=True), "sampling": sampling}


def struct(folder: Path, name: str, body: dict[str, Any]) -> dict[str, Any]:
    """The body of one of its own routes as it is kept."""
    model = inside.theirs("sglang.srt.managers.io_struct", name)
    kept = inside.theirs("pydantic", "TypeAdapter")(model).validate_python(body)
    return dict(inside.theirs("sglang.srt.utils.msgspec_utils", "msgspec_to_builtins")(kept))


def argv(folder: Path, words: list[str]) -> dict[str, Any]:
    """The server's arguments as its own parser has them, after its own checks of those about adapters."""
    arguments = inside.theirs("sglang.srt.server_args", "ServerArgs")
    parser = argparse.ArgumentParser()
    arguments.add_cli_args(parser)
    said = parser.parse_args(words)
    made = arguments.from_cli_args(said)
    inside.theirs("sglang.srt.arg_groups.lora_hook", "check_lora_server_args")(made)
    return vars(said)


def adapter(folder: Path, served: str, body: dict[str, Any]) -> Any:
    """The adapter that a request is made with."""
    module, owner = f"{SERVED}/openai/serving_base.py", "OpenAIServingBase"
    split = inside.method(folder, module, owner, "_parse_model_parameter")
    serving = types.SimpleNamespace(tokenizer_manager=types.SimpleNamespace(served_model_name=served))
    serving._parse_model_parameter = lambda model: split(serving, model)
    resolve = inside.method(folder, module, owner, "_resolve_lora_path")
    return resolve(serving, body.get("model", ""), body.get("lora_path"))


def continued(folder: Path, body: dict[str, Any]) -> Any:
    """The messages that the template sees, and the beginning of the answer that comes after them."""
    module, owner = f"{SERVED}/openai/serving_chat.py", "OpenAIServingChat"
    request = inside.theirs(PROTOCOL, "ChatCompletionRequest").model_validate(body)
    take = inside.method(folder, module, owner, "_handle_last_assistant_message")
    return take(None, [dict(message) for message in body["messages"]], request)


def open_to_all(folder: Path, method: str, path: str) -> bool:
    """Whether a route is answered without the key that the server was started with."""
    auth = "sglang.srt.utils.auth"
    level = inside.theirs(auth, "AuthLevel").ADMIN_OPTIONAL
    decided = inside.theirs(auth, "decide_request_auth")(
        method=method, path=path, authorization_header=None, api_key="k", admin_api_key=None, auth_level=level
    )
    return bool(decided.allowed)


def routes(folder: Path) -> list[str]:
    """All its routes that matter to us."""
    return inside.routes(folder, f"{SERVED}/http_server.py") + inside.routes(folder, f"{SERVED}/v1_loads.py")


def load_words(folder: Path) -> list[str]:
    """What it tells of its load."""
    return list(inside.theirs("sglang.srt.managers.load_snapshot", "LoadSnapshot").__struct_fields__)


def fields(folder: Path) -> dict[str, Any]:
    """The fields that the stand-in takes."""
    return {"chat": inside.types_of(inside.theirs(PROTOCOL, "ChatCompletionRequest"))}


def compiles(folder: Path, model: str, body: dict[str, Any], texts: list[str]) -> dict[str, Any]:
    """See `inside.compiled`: what its backend makes of the grammar among the sampling parameters."""
    tokenizer = inside.tokenizer(model)
    backend = inside.theirs("sglang.srt.constrained.xgrammar_backend", "XGrammarGrammarBackend")
    ebnf, made = chat(folder, body)["sampling"]["ebnf"], backend(tokenizer, len(tokenizer))
    return inside.compiled(lambda: made.dispatch_ebnf(ebnf).ctx, texts)


def guides(folder: Path, body: dict[str, Any]) -> Any:
    """The grammar as llguidance, its other library for shapes, reads it. Raises if it cannot."""
    return inside.theirs("llguidance", "grammar_from")("ebnf", body["ebnf"])
