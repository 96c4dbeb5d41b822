"""Strict readers of environment variables: a value that cannot be understood stops the start; nothing is guessed."""

import os
import re
import secrets
from datetime import time
from pathlib import Path


class BadSetting(SystemExit):
    """A setting that cannot be understood; its message names the variable and what it accepts."""


def text(name: str, default: str = "") -> str:
    return os.environ.get(name, "").strip() or default


def boolean(name: str, *, default: bool) -> bool:
    value = text(name, "yes" if default else "no")
    if value not in {"yes", "no"}:
        raise BadSetting(f"{name}={value!r}: write yes or no.")
    return value == "yes"


def integer(name: str, default: int, *, least: int, most: int) -> int:
    value = text(name, str(default))
    if not value.isascii() or not value.isdigit() or not least <= int(value) <= most:
        raise BadSetting(f"{name}={value!r}: write a whole number from {least} to {most}.")
    return int(value)


def clock(name: str, default: str) -> time:
    value = text(name, default)
    if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", value, re.ASCII):
        raise BadSetting(f"{name}={value!r}: write a time of the day, like 02:30.")
    return time.fromisoformat(value)


def listing(name: str, default: str = "") -> list[str]:
    """Comma-separated values, blanks dropped."""
    return [part.strip() for part in text(name, default).split(",") if part.strip()]


def folder(name: str, default: Path) -> Path:
    return Path(text(name, str(default))).expanduser().resolve()


def secret(name: str, kept_in: Path) -> str:
    """The variable, or a value made once and kept in a file that only its owner may read."""
    value = text(name)
    if value:
        return value
    if not kept_in.exists():
        kept_in.parent.mkdir(parents=True, exist_ok=True)
        fresh = kept_in.with_name(f"{kept_in.name}.{os.getpid()}")
        fresh.touch(mode=0o600)
        fresh.write_text(secrets.token_urlsafe(48), encoding="utf-8")
        try:
            os.link(fresh, kept_in)  # only the first of several starting processes wins
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    return kept_in.read_text(encoding="utf-8")
