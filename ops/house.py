"""What the settings say about the processes of this machine. The pages' settings are read in writingapp/settings.py."""

import os
from dataclasses import dataclass
from pathlib import Path

from inference.models.catalogue import DEFAULT
from ops.words import Refusal

ROOT = Path(__file__).resolve().parent.parent


def text(name: str, default: str = "") -> str:
    return os.environ.get(name, "").strip() or default


def integer(name: str, default: int, *, least: int = 1, most: int = 65535) -> int:
    value = text(name, str(default))
    if not (value.isascii() and value.isdigit() and least <= int(value) <= most):
        raise Refusal("bad_number", name=name, value=value, least=least, most=most)
    return int(value)


@dataclass(frozen=True)
class House:
    """One running 白露: its folder, its addresses, and which parts it brings itself."""

    data_dir: Path
    host: str
    port: int
    origins: tuple[str, ...]
    embedded_redis_port: int | None  # None: REDIS_URL names a server
    embedded_engine_port: int | None  # None: ENGINE_URL or ENGINE_NODES names engines
    keeps_nodes: bool  # some engine may be started here
    model: str
    tags_photos: bool
    gathers_poems: bool  # the index of all poems is made here, if it is not there yet
    log_level: str

    @property
    def logs(self) -> Path:
        return self.data_dir / "logs"

    @property
    def state(self) -> Path:
        """Pid files, the lock and the generated configuration."""
        return self.data_dir / "run"

    @property
    def address(self) -> str:
        """Where a writer goes."""
        return self.origins[0] if self.origins else self.own_address

    @property
    def own_address(self) -> str:
        """Where the web process answers on this machine."""
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(self.host, self.host)
        return f"http://{host}:{self.port}"

    @property
    def behind_proxy(self) -> bool:
        """TLS ends in front of us, so the client's address comes in a header."""
        return bool(self.origins) and all(origin.startswith("https://") for origin in self.origins)


def from_environment() -> House:
    named = text("ENGINE_URL") or text("ENGINE_NODES")
    return House(
        data_dir=Path(text("DATA_DIR", str(ROOT / "var"))).expanduser().resolve(),
        host=text("HOST", "127.0.0.1"),
        port=integer("PORT", 8000),
        origins=tuple(part.strip() for part in text("SITE_ORIGINS").split(",") if part.strip()),
        embedded_redis_port=None if text("REDIS_URL") else integer("EMBEDDED_REDIS_PORT", 6390),
        embedded_engine_port=None if named else integer("EMBEDDED_ENGINE_PORT", 8071),
        keeps_nodes=bool(text("ENGINE_NODES") or not text("ENGINE_URL")),
        model=text("MODEL", DEFAULT),
        tags_photos=text("PHOTO_TAGS", "yes") != "no",
        gathers_poems=text("POEMS", "yes") != "no",
        log_level=text("LOG_LEVEL", "INFO"),
    )
