"""What LMDeploy's own code makes of our words; runs in the process of `tests.engines.inside`."""

import dataclasses
import types
from pathlib import Path
from typing import Any

from tests.engines import inside

PROTOCOL = "lmdeploy.serve.openai.protocol"


def chat(folder: Path, body: dict[str, Any]) -> dict[str, Any]:
    """A chat request as it is kept, and the generation parameters that reach the engine."""
    request = inside.theirs(PROTOCOL, "ChatCompletionRequest").model_validate(body)
    config = types.SimpleNamespace(logprobs_mode="raw_logprobs")
    sessions = types.SimpleNamespace(has=lambda _: False)
    context = types.SimpleNamespace(
        engine_config=config, session_manager=sessions, response_parser_cls=None, default_gen_config={}
    )
    if said := inside.theirs("lmdeploy.serve.openai.chat_completions.validation", "check_request")(request, context):
        raise ValueError(said)
    build = inside.theirs("lmdeploy.serve.core.chat_runner", "_build_runner_generation_config")
    made = dataclasses.asdict(build(request, context, {"random_seed": request.seed}))
    if made["response_format"]:
        inside.theirs("lmdeploy._guided_decoding", "ensure_response_format_compilable")(made["response_format"])
    return {"kept": request.model_dump(exclude_unset=True, by_alias=True), "sampling": made}


def abort(folder: Path, body: dict[str, Any]) -> dict[str, Any]:
    """The body of an abort as it is kept."""
    kept = inside.theirs(PROTOCOL, "AbortRequest").model_validate(body)
    return dict(kept.model_dump(exclude_unset=True))


def argv(folder: Path, words: list[str]) -> dict[str, Any]:
    """The server's arguments as its own parser has them, the adapters as the engine gets them."""
    serve = inside.theirs("lmdeploy.cli.serve", "SubCliServe")
    parser = inside.theirs("lmdeploy.cli.cli", "CLI").parser
    if "api_server" not in serve.subparsers.choices:
        serve.add_parsers()
    said = vars(parser.parse_args(words))
    return {**said, "adapters": inside.theirs("lmdeploy.cli.utils", "get_lora_adapters")(said["adapters"])}


def prompt(folder: Path, model: str, messages: list[dict[str, Any]]) -> str:
    """The text that a chat becomes, by the template of a model that lies on disk."""
    made = inside.theirs("lmdeploy.model", "get_chat_template")(model)
    return str(made.messages2prompt(messages))


def likeliest(folder: Path, model: str, drawn: int, others: list[int]) -> dict[str, Any]:
    """How it tells log-probabilities: -1 for the token drawn, -2 and less for the others."""
    tokenizer = inside.tokenizer(model)
    told = {token: -1.0 - place for place, token in enumerate([drawn, *others])}
    create = inside.theirs("lmdeploy.serve.openai.chat_completions.logprobs", "_create_chat_completion_logprobs")
    texts = {str(token): tokenizer.decode([token]) for token in told}
    return {"logprobs": create(tokenizer, [drawn], [told]).model_dump(), "texts": texts}


def routes(folder: Path) -> list[str]:
    """All its routes that matter to us."""
    served = "lmdeploy/serve/openai"
    modules = ("endpoints/management.py", "endpoints/models.py", "chat_completions/serving.py")
    return [route for module in modules for route in inside.routes(folder, f"{served}/{module}")]


def fields(folder: Path) -> dict[str, Any]:
    """The fields that the stand-in takes."""
    names = {"chat": "ChatCompletionRequest", "abort": "AbortRequest"}
    return {route: inside.types_of(inside.theirs(PROTOCOL, name)) for route, name in names.items()}


def compiles(folder: Path, model: str, body: dict[str, Any], texts: list[str]) -> dict[str, Any]:
    """See `inside.compiled`: what it makes of the format among the generation parameters."""
    info = inside.theirs("xgrammar", "TokenizerInfo").from_huggingface(inside.tokenizer(model))
    compiler = inside.theirs("xgrammar", "GrammarCompiler")(info)
    compile_format = inside.theirs("lmdeploy._guided_decoding", "compile_response_format")
    said = chat(folder, body)["sampling"]["response_format"]
    return inside.compiled(lambda: compile_format(compiler, said), texts)
