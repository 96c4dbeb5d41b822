"""`make stop`: ends the house that runs with this data folder, and waits until it is gone."""

import os
import signal
import sys
import time

from ops import dotenv, house, lock
from ops.words import Refusal, sentence

PATIENCE = 90  # seconds


def stop() -> int:
    dotenv.load(house.ROOT / ".env")
    here = house.from_environment()
    path = here.state / "house.lock"
    pid = lock.holder(path)
    if pid is None:
        print(sentence("not_running", folder=here.data_dir))
        return 0
    os.kill(pid, signal.SIGTERM)
    until = time.monotonic() + PATIENCE
    while lock.holder(path) == pid:
        if time.monotonic() > until:
            raise Refusal("not_stopping", pid=pid, seconds=PATIENCE)
        time.sleep(0.1)
    print(sentence("stopped"))
    return 0


def main() -> int:
    try:
        return stop()
    except Refusal as refusal:
        print(refusal, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
