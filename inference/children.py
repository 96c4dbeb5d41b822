"""An engine as a child process: started in a group of its own, watched, ended as a whole. It dies with its parent."""

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from inference.engines import engine
from inference.engines.base import Plan

LOG_MOST = 5 << 20  # bytes; then the log begins anew, and the one before is kept beside it
LOOK = 0.1  # seconds
# What an engine is given of our environment: where things lie, and how its libraries are to behave. Not our secrets,
# and no other node's key: a name that looks like one is left out even here.
GIVEN = {
    "PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "LD_PRELOAD",
    "LIBRARY_PATH", "CPATH", "CC", "CXX", "MODEL_CACHE", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE",
    "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "HF_TOKEN",
}  # fmt: skip
GIVEN_FRONTS = (
    "LC_", "XDG_", "PYTHON", "CUDA", "CUBLAS_", "NVIDIA_", "NCCL_", "HIP_", "ROCR_", "ROCM_", "HSA_", "GLOO_",
    "OMP_", "GOMP_", "KMP_", "MKL_", "OPENBLAS_", "MALLOC_", "TORCH", "PYTORCH_", "TRITON_", "HF_",
    "TRANSFORMERS_", "TOKENIZERS_", "SAFETENSORS_", "VLLM_", "SGLANG_", "SGL_", "LMDEPLOY_", "FLASHINFER_",
    "GGML_", "LLAMA_",
)  # fmt: skip
SECRET = {"KEY", "KEYS", "APIKEY", "SECRET", "TOKEN", "PASSWORD"}


class Child:
    """One started node. Start it on a thread that lives as long as this process."""

    def __init__(self, kind: str, plan: Plan, log: Path) -> None:
        self.url = f"http://{plan.host}:{plan.port}"
        self.plan = plan
        self._log = log
        launch = engine(kind).launch(plan)
        self.ready_within = launch.ready_within
        self.began = time.monotonic()
        self.ready_at: float | None = None
        self.answered_at = self.began
        log.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        argv = [sys.executable, "-m", "inference.tether", str(os.getpid()), *launch.argv]
        with log.open("ab") as out:  # its place is the end, wherever the end is, so `bound_log` may cut it
            self._process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                env=environment() | _seeing(plan) | dict(launch.environment),
                process_group=0,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def fell(self) -> str:
        """How it ended; empty while it runs."""
        code = self._process.poll()
        if code is None:
            return ""
        return signal.Signals(-code).name if code < 0 else f"exit status {code}"

    def note(self, *, ready: bool) -> None:
        """What was just seen of its health."""
        now = time.monotonic()
        if ready:
            self.answered_at = now
            self.ready_at = self.ready_at or now

    @property
    def silent(self) -> float:
        """Seconds since it was last ready."""
        return time.monotonic() - self.answered_at

    @property
    def late(self) -> bool:
        """Whether it should have been ready by now and never was."""
        return self.ready_at is None and self.silent > self.ready_within

    @property
    def stayed(self) -> float:
        """Seconds that it has been of use."""
        return time.monotonic() - self.ready_at if self.ready_at else 0.0

    def memory(self) -> int:
        """Bytes that it holds with its own children, shared ones counted for each."""
        return sum(_resident(process) for process in self._family())

    def _family(self) -> list[psutil.Process]:
        with suppress(psutil.Error):
            above = psutil.Process(self.pid)
            return [above, *above.children(recursive=True)]
        return []

    async def stop(self, patience: float) -> None:
        """Ask it to end; after `patience` seconds end it, and whatever is left of its group."""
        self._send(signal.SIGTERM)
        until = time.monotonic() + patience
        while not self.fell and time.monotonic() < until:  # noqa: ASYNC110 - its end sets no event of ours
            await asyncio.sleep(LOOK)
        self.kill()

    def kill(self) -> None:
        self._send(signal.SIGKILL)
        self._process.wait()

    def _send(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)

    def bound_log(self) -> None:
        with suppress(FileNotFoundError):  # somebody has moved it away, and the engine writes on where it is now
            if self._log.stat().st_size > LOG_MOST:
                shutil.copyfile(self._log, self._log.with_name(f"{self._log.name}.1"))
                os.truncate(self._log, 0)


def environment() -> dict[str, str]:
    """Ours, as far as an engine is given it."""
    return {name: value for name, value in os.environ.items() if _given(name.upper())}


def _given(name: str) -> bool:
    return name in GIVEN or (name.startswith(GIVEN_FRONTS) and SECRET.isdisjoint(name.split("_")))


def _seeing(plan: Plan) -> dict[str, str]:
    return {"CUDA_VISIBLE_DEVICES": plan.devices} if plan.devices else {}


def _resident(process: psutil.Process) -> int:
    with suppress(psutil.Error):
        return int(process.memory_info().rss)
    return 0


def free_port(host: str = "127.0.0.1") -> int:
    """A port of this machine that nobody holds now."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)  # two may bind one port as long as neither listens
        except OSError:
            return False
    return True


def room() -> int:
    """Bytes of memory that could be had without pushing anything out."""
    memory: Any = psutil.virtual_memory()
    return int(memory.available)
