"""A decoder that never comes to an end: `python -m tests.inference.vision.endless [SECONDS of a processor]`."""

import resource
import sys

if __name__ == "__main__":
    if len(sys.argv) > 1:
        resource.setrlimit(resource.RLIMIT_CPU, (int(sys.argv[1]), int(sys.argv[1])))
    while True:
        pass
