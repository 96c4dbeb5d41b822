"""What must be true before anything is started; each check refuses with one sentence."""

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from inference.models.words import amount
from ops import ports, redis_server
from ops.house import ROOT, House
from ops.supervision import Places
from ops.words import Refusal

BAD_SETTING = re.compile(r"[A-Z_]+(=.*)?: ")  # the words of writingapp/env.py
ERROR = re.compile(r"[\w.]+Error: (?P<what>.+)")
ROOM = 200 * 10**6  # bytes for the database, the append-only file and the logs of the next while


def check_folder(house: House) -> None:
    try:
        house.state.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryFile(dir=house.state):
            pass
    except OSError as error:
        raise Refusal("no_write", folder=house.data_dir, why=error.strerror or error) from error


def check_room(folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if free < ROOM:
        raise Refusal("disk_full", folder=folder, free=amount(free), need=amount(ROOM))


def check(house: House) -> None:
    check_room(house.data_dir)
    ports.check(house)
    if house.embedded_redis_port is not None:
        redis_server.binary()


def migrate(places: Places) -> None:
    """Bring the database to this version. Bad settings show here too, in their own words."""
    log = places.logs / "migrate.log"
    command = [sys.executable, "manage.py", "migrate", "--noinput", "-v", "0"]
    with log.open("w+", encoding="utf-8") as said:
        done = subprocess.run(command, cwd=ROOT, stdout=said, stderr=said, stdin=subprocess.DEVNULL, check=False)
        said.seek(0)
        lines = [line.strip() for line in said if line.strip()]
    if done.returncode != 0:
        last = lines[-1] if lines else str(done.returncode)
        if BAD_SETTING.match(last):
            raise Refusal("bad_setting", said=last)
        errors = [found["what"] for line in lines if (found := ERROR.fullmatch(line))]
        raise Refusal("migrate_failed", why=errors[-1] if errors else last, log=log)
