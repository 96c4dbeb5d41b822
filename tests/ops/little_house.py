"""Runs a little house in a process of its own, as `make run` does: a real Redis-protocol server and stand-ins.

python -m tests.ops.little_house FOLDER WEB_PORT ENGINE_PORT REDIS_PORT
"""

import sys
from pathlib import Path

from ops import lock
from ops.house import ROOT, House
from ops.narrator import Narrator
from ops.processes import Group, Program
from ops.running import say, watch
from ops.supervision import Places
from ops.words import Refusal


def main(folder: Path, web: int, engine: int, redis: int) -> int:
    house = House(
        data_dir=folder,
        host="127.0.0.1",
        port=web,
        origins=(),
        embedded_redis_port=redis,
        embedded_engine_port=engine,
        keeps_nodes=True,
        tags_photos=False,
        gathers_poems=False,
        model="",
        log_level="INFO",
    )
    places = Places(root=ROOT, state=house.state, logs=house.logs)
    stand_in = (sys.executable, "-m", "tests.ops.stand_in")
    server = (
        sys.executable,
        "-m",
        "ops.redis_server",
        str(redis),
        str(folder / "redis"),
        str(house.logs / "redis.log"),
    )
    programs = [
        Program("web", (*stand_in, str(web), "--with-child"), Group.HOUSE, stop_seconds=3, after=f"127.0.0.1:{redis}"),
        Program("engine", (*stand_in, str(engine)), Group.GROUND, stop_seconds=3),
        Program("broken", (sys.executable, "-c", "raise SystemExit(3)"), Group.GROUND, stop_seconds=3),
        Program("redis", server, Group.GROUND, stop_seconds=3),
    ]
    places.state.mkdir(parents=True, exist_ok=True)
    try:
        with lock.hold(folder, places.lock):
            places.make()
            return watch(programs, places, Narrator(house, places, [program.name for program in programs], say))
    except Refusal as refusal:
        say(str(refusal))
        return 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), *(int(port) for port in sys.argv[2:5])))
