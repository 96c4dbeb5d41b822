"""Whether the ports we need are free, and if not, who holds them."""

import errno
import socket

import psutil

from ops.house import House
from ops.words import Refusal, sentence


def needed(house: House) -> dict[str, tuple[str, int]]:
    """The setting that chooses each port, and where it will be bound."""
    ports = {"PORT": (house.host, house.port)}
    if house.embedded_redis_port is not None:
        ports["EMBEDDED_REDIS_PORT"] = ("127.0.0.1", house.embedded_redis_port)
    if house.embedded_engine_port is not None:
        ports["EMBEDDED_ENGINE_PORT"] = ("127.0.0.1", house.embedded_engine_port)
    return ports


def check(house: House) -> None:
    chosen: dict[int, str] = {}
    for name, (host, port) in needed(house).items():
        if port in chosen:
            raise Refusal("same_port", first=chosen[port], second=name, port=port)
        chosen[port] = name
        try_port(name, host, port)


def try_port(name: str, host: str, port: int) -> None:
    """Bind and let go, the way the server will."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except OSError as error:
            why = error.strerror or str(error)
            if error.errno == errno.EADDRINUSE:
                raise Refusal("port_taken", port=port, name=name, holder=holder(port)) from error
            if error.errno == errno.EACCES:
                raise Refusal("port_forbidden", port=port, name=name, why=why) from error
            raise Refusal("bad_host", host=host, why=why) from error


def holder(port: int) -> str:
    """The program that listens on a port, by name and pid, as far as we may look."""
    try:
        for connection in psutil.net_connections(kind="tcp"):
            if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port and connection.pid:
                return sentence("holder", program=psutil.Process(connection.pid).name(), pid=connection.pid)
    except psutil.Error:
        pass  # some systems let only root look, and a process may end while we look at it
    return sentence("unknown_holder")
