"""Tells the person at the terminal how the house does: when it is ready, how the model comes along, what has fallen."""

import time
from collections.abc import Callable

from ops.house import House
from ops.log_watch import LogWatch
from ops.readiness import status_of, web_works
from ops.supervision import Fall, Places
from ops.words import sentence

WEB_PATIENCE = 30.0  # seconds before we say that the web process is slow
FALLS = 3  # of one program within FALL_WINDOW seconds, before we say that it cannot stay up
FALL_WINDOW = 30.0


class Narrator:
    """Few, calm lines. `look` is called again and again; `fell` when supervisord reports a fall."""

    def __init__(self, house: House, places: Places, names: list[str], say: Callable[[str], None]) -> None:
        self._house = house
        self._places = places
        self._say = say
        self._logs = LogWatch([places.logs / f"{name}.log" for name in names if name != "redis"])
        self._falls: dict[str, list[float]] = {}
        self._began = time.monotonic()
        self._web_ready = self._web_slow = False
        self._engine_told = self._engine_ready = "engine" not in names or house.embedded_engine_port is None

    def look(self) -> None:
        if not self._web_ready:
            self._look_at_web(time.monotonic())
        elif not self._engine_ready:
            self._look_at_engine()
        for error in self._logs.errors():
            self._say(error)

    def _look_at_web(self, now: float) -> None:
        status = status_of(self._house.own_address + "/healthz")
        if web_works(status):
            self._web_ready = True
            self._say(sentence("ready", address=self._house.address))
            self._say(sentence("how_to_stop", folder=self._places.logs))
        elif not self._web_slow and now - self._began > WEB_PATIENCE:
            self._web_slow = True
            log = self._places.logs / "web.log"
            self._say(sentence("web_slow", log=log) if status is None else sentence("web_errs", status=status, log=log))

    def _look_at_engine(self) -> None:
        if status_of(f"http://127.0.0.1:{self._house.embedded_engine_port}/health") == 200:
            self._engine_ready = True
            self._say(sentence("model_ready"))
        elif not self._engine_told:
            self._engine_told = True
            self._say(sentence("model_loading"))

    def fell(self, fall: Fall) -> None:
        now = time.monotonic()
        times = [at for at in self._falls.get(fall.name, []) if now - at < FALL_WINDOW] + [now]
        self._falls[fall.name] = times
        if len(times) < FALLS:
            self._say(sentence("restarted", name=fall.name, how=fall.how))
        elif len(times) == FALLS:
            log = self._places.logs / f"{fall.name}.log"
            self._say(sentence("keeps_stopping", name=fall.name, how=fall.how, log=log))
