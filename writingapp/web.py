"""The web process: Daphne, on uvloop. It takes Daphne's own arguments.

    python -m writingapp.web -p 8000 writingapp.asgi:application

Daphne makes its loop while it is imported, so what kind of loop that will be has to be said before.
"""

import asyncio

import uvloop


def main() -> None:
    """Serve until told to stop."""
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    from daphne.cli import CommandLineInterface  # noqa: PLC0415 - see above

    CommandLineInterface.entrypoint()


if __name__ == "__main__":
    main()
