"""A page in a few lines: applies messages as docs/protocol.md says, and keeps what a writer would see."""

from dataclasses import dataclass, field
from typing import Any

Message = dict[str, Any]

TERMINAL = ("done", "stopped", "failed", "interrupted")


@dataclass
class Shown:
    """One candidate on the page."""

    attempt: int = 0
    text: str = ""
    status: str = "queued"


@dataclass
class Page:
    """What the page shows; `gaps` are the candidates for which it would ask `attach`."""

    shown: dict[str, Shown] = field(default_factory=dict)
    gaps: set[str] = field(default_factory=set)
    heard: list[Message] = field(default_factory=list)

    def hear(self, message: Message) -> None:
        self.heard.append(message)
        match message["type"]:
            case "hello":
                for inspiration in message["inspirations"]:
                    self._know(inspiration)
            case "queued":
                self._know(message["inspiration"])
            case "frame":
                self._frame(message)
            case "reset":
                one = self.shown[message["candidate"]]
                if message["attempt"] > one.attempt:
                    one.attempt, one.text = message["attempt"], one.text[: message["seq"]]
            case "end":
                self.shown[message["candidate"]] = Shown(message["attempt"], message["text"], message["status"])

    def _know(self, inspiration: Message) -> None:
        for each in inspiration["candidates"]:
            self.shown[each["id"]] = Shown(each["attempt"], each["text"], each["status"])

    def _frame(self, message: Message) -> None:
        one = self.shown[message["candidate"]]
        seq, text = message["seq"], message["text"]
        if one.status in TERMINAL or message["attempt"] < one.attempt:
            return
        if seq > len(one.text):
            self.gaps.add(message["candidate"])
            return
        one.attempt = message["attempt"]
        one.status = "running"
        one.text += text[len(one.text) - seq :]
