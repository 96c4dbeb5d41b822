"""Runs a fake node until it is told to stop."""

import argparse
import asyncio
import signal
import sys
from pathlib import Path

from aiohttp import web

from inference.engines.fake.node import WAYS, Manners, application


def main() -> None:
    """Serve, on loopback unless told; says where on standard error once it listens."""
    parser = argparse.ArgumentParser(prog="python -m inference.engines.fake", description="A fake engine's node.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen at")
    parser.add_argument("--rate", type=float, default=60.0, help="tokens a second; 0 is as fast as can be")
    parser.add_argument("--tokens", type=int, default=60, help="length of a text that has no form")
    parser.add_argument("--misbehave", choices=WAYS, default="", help="do it to every ask")
    parser.add_argument("--loading", type=float, default=0.0, help="seconds of saying that the model loads")
    parser.add_argument("--noop", action="store_true", help="load adapters without a word and without effect")
    parser.add_argument("--adapter", action="append", default=[], metavar="NAME=PATH", help="have it on from the start")
    options = parser.parse_args()
    manners = Manners(options.rate, options.tokens, options.misbehave, options.loading)
    manners.wardrobe.noop = options.noop
    for name, _, folder in (words.partition("=") for words in options.adapter):
        manners.wardrobe.folders[name] = Path(folder)
    asyncio.run(_serve(manners, options.host, options.port))


async def _serve(manners: Manners, host: str, port: int) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    runner = web.AppRunner(application(manners), handler_cancellation=True, access_log=None, shutdown_timeout=0)
    await runner.setup()
    await web.TCPSite(runner, host, port).start()
    sys.stderr.write(f"engine: fake node on port {port}\n")
    sys.stderr.flush()
    await stopped.wait()
    await runner.cleanup()


if __name__ == "__main__":
    main()
