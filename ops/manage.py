"""Django's commands with the same settings as `make run`: `.env` is read first.

python -m ops.manage createsuperuser
"""

import os
import sys

from ops import dotenv
from ops.house import ROOT
from ops.words import Refusal


def main(arguments: list[str]) -> int:
    try:
        dotenv.load(ROOT / ".env")
    except Refusal as refusal:
        print(refusal, file=sys.stderr)
        return 1
    os.chdir(ROOT)
    os.execv(sys.executable, [sys.executable, "manage.py", *arguments])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
