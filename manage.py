"""Django's door, with the settings of `.env` as `make run` has them."""

import os
import sys

from django.core.management import execute_from_command_line

from ops import dotenv
from ops.house import ROOT
from ops.words import Refusal

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "writingapp.settings")
    try:
        dotenv.load(ROOT / ".env")
    except Refusal as refusal:
        sys.exit(str(refusal))
    execute_from_command_line(sys.argv)
