"""Take one of systemd's sockets by its name, and leave the others to who serves pages. Source: sd_listen_fds(3)."""

from __future__ import annotations

import os
import socket
from typing import Final

_FIRST: Final = 3  # SD_LISTEN_FDS_START


def take(name: str) -> socket.socket | None:
    """Take the socket with this ``FileDescriptorName=``; None where systemd gave this process none.

    gunicorn serves pages on every socket that systemd gives. Those that stay are moved together, and it is told of them
    alone.
    """
    if os.environ.get("LISTEN_PID") != str(os.getpid()):
        return None
    count = int(os.environ.get("LISTEN_FDS", "0"))
    names = os.environ.get("LISTEN_FDNAMES", "").split(":")[:count]
    if name not in names:
        return None
    index = names.index(name)
    taken = socket.socket(fileno=os.dup(_FIRST + index))
    for number in range(_FIRST + index, _FIRST + count - 1):
        os.dup2(number + 1, number, inheritable=False)
    os.close(_FIRST + count - 1)
    del names[index]
    os.environ["LISTEN_FDS"], os.environ["LISTEN_FDNAMES"] = str(count - 1), ":".join(names)
    return taken
