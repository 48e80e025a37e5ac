"""Starts a driver where it sees no network but the replay server's, with its limits of memory and files.

It runs as a program of its own, before the driver in the same process: `FD MEMORY_MIB COMMAND...`. Over the socket FD
it hands the suite a socket that listens in its own network, or says that it could not get one; the port comes back.
"""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import struct
import sys
from pathlib import Path

_NEW_USER, _NEW_NETWORK = 0x10000000, 0x40000000
_SET_FLAGS, _GET_FLAGS, _UP = 0x8914, 0x8913, 0x1
_SET_SIGNAL_AT_PARENTS_END = 1
_LARGEST_FILE = 256 * 1024 * 1024


def main() -> None:
    """Confine this process, then become the driver."""
    control = socket.socket(fileno=int(sys.argv[1]))
    try:
        listener = _listener_in_own_network()
    except OSError as error:
        control.sendall(f"no: {error.strerror or error}".encode()[:200])
    else:
        socket.send_fds(control, [b"own"], [listener.fileno()])
        listener.close()
    port = control.recv(16).decode()
    control.close()
    if not port:
        sys.exit("the suite is gone")
    _end_with_the_suite()
    _limit(int(sys.argv[2]))
    os.environ["CLIENT_BASE_URL"] = f"http://127.0.0.1:{port}"
    command = sys.argv[3:]
    os.execv(command[0], command)  # noqa: S606 - the command comes from the suite


def _listener_in_own_network() -> socket.socket:
    """A socket that listens on the loopback of a new network, which has nothing else in it.

    Raises:
        OSError: this system has no such networks, or does not let us make one.
    """
    if not sys.platform.startswith("linux"):
        raise OSError(0, "only Linux has networks for one process")
    user, group = os.getuid(), os.getgid()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_NEW_USER | _NEW_NETWORK) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    for name, text in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
        Path("/proc/self", name).write_text(text)
    import fcntl  # noqa: PLC0415 - not on every system

    listener = socket.socket()
    request = struct.pack("16sh14x", b"lo", 0)
    flags = struct.unpack("16sh14x", fcntl.ioctl(listener, _GET_FLAGS, request))[1]
    fcntl.ioctl(listener, _SET_FLAGS, struct.pack("16sh14x", b"lo", flags | _UP))
    listener.bind(("127.0.0.1", 0))
    listener.listen(128)
    return listener


def _end_with_the_suite() -> None:
    """Have the system end the driver where the suite is killed, which then cannot do that itself."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(_SET_SIGNAL_AT_PARENTS_END, signal.SIGKILL)


def _limit(memory_mib: int) -> None:
    """Bound what the driver may take; 0 is no bound of memory, for programs that reserve more than they use."""
    try:
        import resource  # noqa: PLC0415 - not on every system
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (_LARGEST_FILE, _LARGEST_FILE))
    if memory_mib:
        size = memory_mib * 2**20
        resource.setrlimit(resource.RLIMIT_AS, (size, size))


if __name__ == "__main__":
    main()
