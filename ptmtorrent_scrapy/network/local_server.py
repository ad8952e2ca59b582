"""A server on loopback for the programs that this process starts: each request needs the secret key of a session.

Other users of the machine can connect to it, but do not know a key. It runs until the process ends.
"""

import contextlib
import errno
import os
import secrets
import socket
import socketserver
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Generic, TypeVar
from weakref import WeakValueDictionary

_NO_DESCRIPTOR = (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS)

S = TypeVar("S")


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def start(self) -> None:
        """Answer requests in a thread; `serve_forever` would stop up to half a second late."""
        self._is_open = True
        self._thread = threading.Thread(target=self._answer, name="local-server", daemon=True)
        self._thread.start()

    def _answer(self) -> None:
        while self._is_open:
            self.handle_request()

    def stop(self) -> None:
        """Let the thread end."""
        self._is_open = False
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)  # wakes the thread
        self._thread.join()

    def get_request(self) -> tuple[Any, Any]:
        try:
            return super().get_request()
        except OSError as error:
            if error.errno in _NO_DESCRIPTOR:
                time.sleep(0.1)  # another connection has to end first
            raise

    def server_bind(self) -> None:
        socketserver.TCPServer.server_bind(self)  # HTTPServer would ask name servers for the name of this machine

    def handle_error(self, request: object, client_address: object) -> None:
        """Log nothing about a broken connection: the program at its other end reports it."""


class LocalServer(Generic[S]):
    """Sessions by their keys, and their server, which starts with the first session."""

    def __init__(self, handler: type[BaseHTTPRequestHandler]) -> None:
        self._handler = handler
        self._lock = threading.Lock()
        self._server: _Server | None = None
        self._owner = 0
        self._sessions: WeakValueDictionary[str, S] = WeakValueDictionary()

    def add(self, session: S) -> tuple[str, int]:
        """Return (key, port) for a session, which ends when nothing refers to it any more."""
        with self._lock:
            if self._server is None or self._owner != os.getpid():
                self._start()
            assert self._server is not None
            key = secrets.token_urlsafe(24)
            self._sessions[key] = session
            return key, self._server.server_address[1]

    def find(self, key: str) -> S | None:
        """Return the session with a key."""
        return self._sessions.get(key)

    def close(self) -> None:
        """Stop the server; the next session starts another one."""
        with self._lock:
            server, self._server = self._server, None
            if server is not None and self._owner == os.getpid():
                server.stop()
            if server is not None:
                server.server_close()

    def _start(self) -> None:
        if self._server is not None:  # of the process that this one was forked from
            with contextlib.suppress(OSError):
                self._server.server_close()
        self._server = _Server(("127.0.0.1", 0), self._handler)
        self._owner = os.getpid()
        self._sessions = WeakValueDictionary()
        self._server.start()
