"""Copy bytes between two connections until one of them ends."""

import selectors
import socket
import ssl

_PIECE = 1 << 18  # bytes


def relay(client: socket.socket, server: socket.socket, *, upload: bool, idle_seconds: float) -> None:
    """Copy from the server to the client, and with `upload` the other way, until one ends or both are silent.

    Without `upload` the client must not send more: any byte from it ends the connection.
    """
    buffer = memoryview(bytearray(_PIECE))
    client.settimeout(idle_seconds)
    with selectors.PollSelector() as selector:
        selector.register(server, selectors.EVENT_READ, client)
        selector.register(client, selectors.EVENT_READ, server)
        while events := selector.select(idle_seconds):
            for key, _ in events:
                source = server if key.fileobj is server else client
                if source is client and not upload:
                    return
                if not _copy(source, key.data, buffer):
                    return


def _copy(source: socket.socket, target: socket.socket, buffer: memoryview) -> bool:
    """Copy what has arrived; return False at the end of the source."""
    while True:
        length = source.recv_into(buffer)
        if not length:
            return False
        target.sendall(buffer[:length])
        if not isinstance(source, ssl.SSLSocket) or not source.pending():
            return True
