"""A decoder that never comes to an end: `python -m tests.inference.vision.endless [SECONDS of a processor | flood]`."""

import resource
import sys

if __name__ == "__main__":
    if sys.argv[1:] and sys.argv[1].isdigit():
        resource.setrlimit(resource.RLIMIT_CPU, (int(sys.argv[1]), int(sys.argv[1])))
    while True:
        if sys.argv[1:] == ["flood"]:
            sys.stdout.buffer.write(b"a" * 65536)
