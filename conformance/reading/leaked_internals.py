"""What an answer shows of the inside of a server: stack traces, paths of its file system, hosts of its network."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

_INTERNALS: Final = re.compile(
    rb"Traceback \(most recent call last\)"
    rb"|\bFile \\?\"[^\"]{1,300}\", line \d+"
    rb"|\bat [\w.$<>]+\([\w.]+\.(?:java|kt|scala):\d+\)"
    rb"|\n\s+at .{1,200}\(?(?:/|[A-Za-z]:\\).{1,200}:\d+:\d+\)?"
    rb"|goroutine \d+ \[running\]"
    rb"|(?:/home/|/usr/(?:lib|local|src)/|/var/(?:lib|www|task)/|/opt/|/root/|site-packages/|node_modules/)\S"
    rb"|(?<![\w.:/-])/(?:app|srv|mnt|workspace|build|code|data)/[\w./-]{1,200}\.(?:py|[jt]s|go|rs|rb|java|cc|cpp|php)\b"
    rb"|[A-Za-z]:\\\\?(?:Users|Program Files|inetpub)\\"
)
"""A stack trace, or a path of a server's file system."""
_INNER_HOSTS: Final = re.compile(
    rb"\b(?:10\.\d{1,3}|192\.168|169\.254|172\.(?:1[6-9]|2\d|3[01]))\.\d{1,3}\.\d{1,3}\b"
    rb"|\b(?:[\w-]{1,63}\.){1,6}cluster\.local\b"
    rb"|(?<=//)(?:[\w-]{1,63}\.){1,6}(?:internal|local|lan|corp)\b"
    rb"|\b(?:[\w-]{1,63}\.){1,6}(?:internal|local|lan|corp):\d{2,5}\b"
    rb"|\bhttps?:\\?/\\?/(?:localhost|127\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[::1\]|[\w-]{1,63}:\d{2,5})(?![\w.-])"
    rb"|\b(?:localhost|127\.0\.0\.1|0\.0\.0\.0):\d{2,5}\b"
)
"""An address of a private network (RFC 1918, RFC 3927), a name that only such a network knows, or a URL with one."""


_PORT: Final = re.compile(rb":(\d{2,5})")
_READ: Final = 64 * 1024
"""Bytes of a body that are looked at: an error is short, or no error."""


def inner_part(body: bytes, url: str) -> re.Match[bytes] | None:
    """The first part of a body that shows the inside of the server; the host of `url`, which callers know, is none."""
    begun = body[:_READ]
    parts = urlsplit(url)
    host, port = (parts.hostname or "").encode(), str(parts.port or "").encode()

    def is_known(found: re.Match[bytes]) -> bool:
        given = _PORT.search(found[0]) or _PORT.match(begun, found.end())
        return host != b"" and host in found[0] and (given is None or given[1] == port)

    hosts = (one for one in _INNER_HOSTS.finditer(begun) if not is_known(one))
    return _INTERNALS.search(begun) or next(hosts, None)
