"""What may be in a picture: `python -m inference.vision.tagger WEIGHTS`, a clean JPEG in, likely classes out.

A child for one picture, confined as the gate is, for the picture has passed only the gate. On numpy it takes a quarter
of a second of a processor and 130 MB from start to end, and nothing in between; PyTorch in a process of its own took
330 MB to be there at all, and seconds to start. On stdout comes one line of JSON: `[[class, probability], …]`.
"""

import io
import json
import sys
from pathlib import Path
from typing import BinaryIO

from PIL import Image

from inference.vision import weights
from inference.vision.bounds import MOST_BYTES
from inference.vision.confine import confine, shut_the_door
from inference.vision.efficientnet import EfficientNet

LEAST = 0.01  # of probability; less is noise


def main(given: BinaryIO, out: BinaryIO, path: Path) -> None:
    confine(nice=10)
    network = EfficientNet(weights.read(path))
    Image.preinit()
    shut_the_door()
    with Image.open(io.BytesIO(given.read(MOST_BYTES)), formats=("JPEG",)) as picture:
        likely = network.classify(picture)
    out.write(json.dumps([[at, round(float(p), 4)] for at, p in enumerate(likely) if p >= LEAST]).encode())
    out.flush()


if __name__ == "__main__":
    main(sys.stdin.buffer, sys.stdout.buffer, Path(sys.argv[1]))
