"""Loaded before the settings: this test run's own folder and ports, so that it never touches a house that runs."""

import atexit
import os
import shutil
import socket
import tempfile


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


REDIS_PORT, ENGINE_PORT = _free_port(), _free_port()
DATA = tempfile.mkdtemp(prefix="bailu-test-")
atexit.register(shutil.rmtree, DATA, ignore_errors=True)

os.environ.update(
    DATA_DIR=DATA,
    REDIS_URL=f"redis://127.0.0.1:{REDIS_PORT}",
    ENGINE_KIND="fake",
    ENGINE_URL=f"http://127.0.0.1:{ENGINE_PORT}",
    SITE_ORIGINS="http://testserver,http://127.0.0.1:8000",
    SECRET_KEY="for tests only, and long enough to be taken for one",
)
for name in ("DEBUG", "SIGNUP_OPEN", "TIME_ZONE", "MODEL"):
    os.environ.pop(name, None)
