"""The embedded engine: llama.cpp's own OpenAI-compatible server from the xllamacpp wheel, as a process of its own.

    python -m inference.embedded --model PATH --port N [--threads N] [--slots N] [--adapter NAME=FOLDER …]

Loopback only. `ENGINE_KEY` in the environment is asked of every client if it is set. It serves one thing, chat
completions, to our own worker: no pages, no other origin, no tools. An adapter is a PEFT folder; it works only in
requests that ask for it. The first one named is the one that writers get: prompts are computed with it. llama.cpp
reckons with one adapter at a time, so a text of another waits for the text before it to end.

llama.cpp holds Python's lock while it loads, so a signal would not be heard. The server therefore runs in a fork; its
parent hears SIGTERM and SIGINT at once, and each of the two ends when the process above it dies. On Linux the kernel
sees to that, and there it is the *thread* that started us whose end counts.
"""

import argparse
import ctypes
import http.client
import json
import os
import re
import signal
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from os.path import commonprefix
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import psutil

from inference.engines.base import AdapterFiles
from inference.engines.llamacpp import body_of, scales
from inference.gguf_adapter import cached
from inference.models.gguf import architecture
from inference.request import Ask, Request, messages, sampling, warm_asks
from inference.rest import rest_of

ADAPTER_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
CONTEXT = 2048  # tokens a slot: the longest ask and its answer take under 800
CACHED_PROMPTS = 256  # MiB of memory for computed beginnings of prompts; all of ours take about 60
STEP = 8  # tokens a thread reads in one step, about 0.3 s: a stop, and the other text, wait for a step to end
PROMPTS = 12  # slots beyond those that write, where adapters are; see `_hold_prompts`
ALIKE = 0.8  # of a prompt that a slot must hold for the rest to be read there; else what it holds is put by before
LIKENESS = 0.5  # of a prompt that a slot must hold, to be chosen for it; two forms of verse have a third in common
SET_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG
SPINS = "1000"  # OpenMP threads that wait spin this long, then sleep; see `_serve`


def main(argv: list[str] | None = None) -> int:
    """Serve until told to stop; the exit code."""
    options = _options(argv)
    if not Path(options.model).is_file():
        return _sorry(f"there is no model file at {options.model}")
    above, server = os.getppid(), 0

    def stop(_number: int, _frame: FrameType | None) -> NoReturn:
        if server:
            os.kill(server, signal.SIGKILL)
            os.waitpid(server, 0)
        os._exit(0)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    _end_with(above, signal.SIGTERM)
    server = os.fork()
    if server == 0:
        os._exit(_serve(options, above=os.getppid()))
    while os.getppid() == above:
        ended, status = os.waitpid(server, os.WNOHANG)
        if ended:
            return max(1, os.waitstatus_to_exitcode(status))  # it never ends well by itself
        time.sleep(0.2)
    stop(signal.SIGTERM, None)


def _options(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m inference.embedded", description="The embedded engine.")
    parser.add_argument("--model", required=True, help="a GGUF file")
    parser.add_argument("--port", type=int, required=True, help="on loopback")
    parser.add_argument("--threads", type=int, default=0, help="default: the cores there are")
    parser.add_argument("--slots", type=int, default=2, help="texts made at once")
    parser.add_argument("--adapter", action="append", default=[], type=_adapter, metavar="NAME=FOLDER")
    parser.add_argument("--cold", action="store_true", help="do not compute the system messages beforehand")
    options = parser.parse_args(argv)
    options.threads = options.threads or cores()
    return options


def _adapter(words: str) -> AdapterFiles:
    name, _, folder = words.partition("=")
    if not ADAPTER_NAME.fullmatch(name) or not folder:
        raise argparse.ArgumentTypeError("NAME=FOLDER, the name of lower-case letters, digits, dots and dashes")
    return AdapterFiles(name, Path(folder))


def cores() -> int:
    """What we may use: a second thread on one core only slows a matrix product down."""
    usable = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    return max(1, min(usable, psutil.cpu_count(logical=False) or usable))


def _end_with(above: int, death: signal.Signals) -> None:
    """Have the kernel send us `death` when the process above dies."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(SET_DEATH_SIGNAL, death)
    if os.getppid() != above:  # it died before we could ask
        os._exit(0)


def _serve(options: argparse.Namespace, *, above: int) -> int:
    """Load the model and serve it; returns only if that fails or once the process above is gone."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to both; the one above decides
    _end_with(above, signal.SIGKILL)
    # Threads that spin while they wait hold a core; once another process wants it, the thread they wait for does not
    # run, and 20 tokens a second become 2. Threads that sleep at once cost a little speed on a quiet machine.
    os.environ.setdefault("GOMP_SPINCOUNT", SPINS)
    import xllamacpp  # noqa: PLC0415 - OpenMP reads the line above once, when it is loaded

    started = time.monotonic()
    try:
        params = _parameters(xllamacpp.CommonParams(), options)
        params.lora_adapters = _adapters(xllamacpp.CommonAdapterLoraInfo, options)
        server = xllamacpp.Server(params)
    except Exception as error:
        return _sorry(f"could not start on port {options.port} with {options.model}: {error}")
    _say(f"ready at {server.listening_address} after {time.monotonic() - started:.1f} s, {options.threads} threads")
    if not options.cold:
        try:
            _warm(options)
            _say(f"prompts computed after {time.monotonic() - started:.1f} s")
        except (OSError, http.client.HTTPException, ValueError) as error:  # a machine with no time left for it
            _say(f"not every prompt is computed beforehand: {error}")
    while os.getppid() == above:
        time.sleep(1)
    return 0


def _parameters(params: Any, options: argparse.Namespace) -> Any:
    params.model.path = options.model
    params.port = options.port  # its host is 127.0.0.1
    params.api_keys = [os.environ["ENGINE_KEY"]] if os.environ.get("ENGINE_KEY") else []
    params.cors_origins, params.cors_origins_explicit, params.cors_credentials = "", True, False
    params.ui = False
    params.endpoint_slots = True
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = options.threads
    params.n_batch = params.n_ubatch = max(STEP * options.threads, options.slots)
    params.n_parallel = options.slots
    params.n_ctx = options.slots * CONTEXT
    params.cache_ram_mib = CACHED_PROMPTS
    params.slot_prompt_similarity = ALIKE
    params.verbosity = 1  # errors
    return _hold_prompts(params, options) if options.adapter else params


def _hold_prompts(params: Any, options: argparse.Namespace) -> Any:
    """Keep computed beginnings in idle slots instead of in memory beside them.

    llama.cpp forgets under which adapter it computed what it keeps beside its slots, and gives it to any; what stands
    in a slot is thrown away when the next adapter is another. Workers never ask for more texts at once than `--slots`.
    """
    params.cache_ram_mib = 0
    params.n_parallel = options.slots + PROMPTS
    params.n_batch = params.n_ubatch = max(params.n_batch, params.n_parallel)
    params.kv_unified = True  # slots share the room, and the idle ones are emptied when it is short
    params.n_ctx = (options.slots + PROMPTS // 4) * CONTEXT
    params.slot_prompt_similarity = LIKENESS
    return params


def _adapters(info: Callable[[], Any], options: argparse.Namespace) -> list[Any]:
    """Each adapter, off until a request asks for it; in the order of their names, so that the same have the same
    numbers after any start.
    """
    loaded = []
    for adapter in sorted(options.adapter, key=lambda each: each.name):
        each = info()
        cache = Path(os.environ.get("MODEL_CACHE", "").strip() or "~/.cache/bailu/models").expanduser()
        each.path = str(cached(adapter.folder, adapter.name, architecture(Path(options.model)), cache))
        each.scale = 0.0
        loaded.append(each)
    return loaded


def _warm(options: argparse.Namespace) -> None:
    """Compute each system message, as far as there is room for them; one slot stays free for a writer.

    Beside adapters a computed beginning stays in the slot where it was made, so two candidates want two of them.
    """
    copies = options.slots if options.adapter else 1
    asks = warm_asks()[: max(1, PROMPTS // options.slots)] if options.adapter else _order(warm_asks())
    with ThreadPoolExecutor(copies) as pool:
        for ask in asks:
            while _busy(options.port):
                time.sleep(0.3)  # a writer comes first
            alike = [replace(ask, theme=f"{place}") for place in range(copies)]
            list(pool.map(lambda copy: _compute(options, copy), alike))


def _order(asks: list[Ask]) -> list[Ask]:
    """The likeliest first, and after each the one that begins most like it.

    llama.cpp gives what it has put by to any prompt that shares a word more with it than its slot does, and what it
    gives is gone. Beside its next of kin no prompt is better served by another, so none is given away.
    """
    ordered, left = asks[:1], asks[1:]
    while left:
        last = _words(ordered[-1])
        ordered.append(max(left, key=lambda ask: len(commonprefix([last, _words(ask)]))))  # noqa: RUF071 - not paths
        left.remove(ordered[-1])
    return ordered


def _words(ask: Ask) -> str:
    return "\n".join(message["content"] for message in messages(ask))


def _compute(options: argparse.Namespace, ask: Ask) -> None:
    request = Request(messages(ask), sampling(ask, 0, 0) | {"max_tokens": 1})
    names = sorted(each.name for each in options.adapter)
    body = body_of(request, rest_of(request)) | {"max_tokens": 1, "stream": False}
    body["lora"] = scales(names, options.adapter[0].name if names else "")
    _call(options.port, "POST", "/v1/chat/completions", body)


def _busy(port: int) -> bool:
    return any(slot["is_processing"] for slot in _call(port, "GET", "/slots"))


def _call(port: int, method: str, path: str, body: Any = None) -> Any:
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    try:
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {os.environ.get('ENGINE_KEY', '')}"}
        line.request(method, path, json.dumps(body, ensure_ascii=False).encode() if body else None, headers)
        return json.loads(line.getresponse().read())
    finally:
        line.close()


def _say(words: str) -> None:
    sys.stderr.write(f"engine: {words}\n")
    sys.stderr.flush()


def _sorry(words: str) -> int:
    _say(words)
    return 1


if __name__ == "__main__":
    sys.exit(main())
