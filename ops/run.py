"""`make run`, once the environment is there: prepare what a start needs, then run every process until Ctrl+C."""

import os
import sys

from inference import supply
from inference.models.catalogue import TAGGER
from inference.models.trouble import SupplyError
from ops import dotenv, house, lock, preflight
from ops.gathering import gathering
from ops.narrator import Narrator
from ops.processes import programs
from ops.running import say, watch
from ops.supervision import Places
from ops.words import Refusal, sentence


def run() -> int:
    dotenv.load(house.ROOT / ".env")
    here = house.from_environment()
    os.environ["DATA_DIR"] = str(here.data_dir)
    places = Places(root=house.ROOT, state=here.state, logs=here.logs)
    preflight.check_folder(here)
    with lock.hold(here.data_dir, places.lock):
        places.make()
        preflight.check(here)
        say(sentence("migrating"))
        preflight.migrate(places)
        model = None if here.embedded_engine_port is None else supply.from_environment().find(here.model)
        if here.tags_photos:
            fetch_tagger()
        started = programs(here, model)
        say(sentence("starting"))
        with gathering(places, wanted=here.gathers_poems):
            return watch(started, places, Narrator(here, places, [program.name for program in started], say))


def fetch_tagger() -> None:
    """Photographs can do without it: their chips are measured then, and the page says so."""
    try:
        supply.from_environment().obtain(TAGGER)
    except SupplyError as refusal:
        say(str(refusal))
        say(sentence("no_tagger"))


def main() -> int:
    os.umask(0o077)  # manuscripts are their writer's alone
    try:
        return run()
    except (Refusal, SupplyError) as refusal:
        print(refusal, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\n" + sentence("interrupted"), file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
