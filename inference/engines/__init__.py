"""The engines: siblings of one shape. A new one is a copy of its neighbour and one line here."""

from inference.engines.base import Engine
from inference.engines.fake import Fake
from inference.engines.llamacpp import LlamaCpp
from inference.engines.lmdeploy import LMDeploy
from inference.engines.sglang import SGLang
from inference.engines.transformers import Transformers
from inference.engines.vllm import VLLM
from inference.errors import EngineError

ENGINES: dict[str, Engine] = {
    "llamacpp": LlamaCpp(),
    "fake": Fake(),
    "vllm": VLLM(),
    "sglang": SGLang(),
    "lmdeploy": LMDeploy(),
    "transformers": Transformers(),
}


def engine(kind: str) -> Engine:
    """The engine of that kind."""
    if kind not in ENGINES:
        raise EngineError("engine_refused", f"no engine of kind {kind[:20]}")
    return ENGINES[kind]
