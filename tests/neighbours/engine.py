"""Telling whether a Docker engine listens, before anything of Docker's is loaded."""

import os
import socket
from urllib.parse import urlsplit

from tests.neighbours.ladder import UnavailableError

_SECONDS = 2
_DEFAULT = "unix:///var/run/docker.sock"


def require_docker_engine() -> None:
    """Make sure that something listens where Docker's clients would connect.

    They could be asked themselves, but take half a second to load and leave their
    sockets open when no one answers.

    Raises:
        UnavailableError: nothing listens.
    """
    host = urlsplit(os.environ.get("DOCKER_HOST") or _DEFAULT)
    try:
        if host.scheme == "unix":
            with socket.socket(socket.AF_UNIX) as probe:
                probe.settimeout(_SECONDS)
                probe.connect(host.path)
        elif host.scheme in {"tcp", "http", "https"} and host.hostname:
            socket.create_connection((host.hostname, host.port or 2375), _SECONDS).close()
    except OSError as failure:
        raise UnavailableError("no Docker engine answers") from failure
