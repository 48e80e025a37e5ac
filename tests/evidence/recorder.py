"""Keeps the bytes of every request that comes to an address, and answers each."""

from __future__ import annotations

import socket
import threading

_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"


class Recorder:
    """One connection after another; `received` has the bytes of each that sent any, in order."""

    def __init__(self, host: str, port: int) -> None:
        self._listener = socket.create_server((host, port), backlog=64)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self.received: list[bytes] = []
        self._expected = 0
        self._came = threading.Semaphore(0)
        self._thread.start()

    def expect(self, size: int) -> None:
        """How many bytes the next request has; it is answered once they have come."""
        self._expected = size

    def take(self) -> bytes:
        """The bytes of the request that came next."""
        assert self._came.acquire(timeout=20), "nothing came"
        return self.received.pop()

    def close(self) -> None:
        self._listener.close()
        self._thread.join(5)

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                self._one(connection)

    def _one(self, connection: socket.socket) -> None:
        connection.settimeout(20)
        data = b""
        try:
            while len(data) < self._expected:
                more = connection.recv(65536)
                if not more:
                    break
                data += more
            # What is too much shows only if it is waited for a moment less than a client waits for its answer.
            connection.sendall(_ANSWER)
            connection.shutdown(socket.SHUT_WR)
            while more := connection.recv(65536):
                data += more
        except OSError:
            pass
        self.received.append(data)
        self._came.release()
