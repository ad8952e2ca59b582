"""Servers with TLS: git through a tunnel, LFS objects through the gateway; certificates are verified."""

import datetime
import ipaddress
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from ptmtorrent_scrapy.git.clone import clone
from ptmtorrent_scrapy.git.models import CloneRequest
from ptmtorrent_scrapy.network.relay import relay
from tests import hubs as content
from tests.hubs import Hubs, Large

ATTRIBUTES = b"*.bin filter=lfs diff=lfs merge=lfs -text\n"
WEIGHTS = Large(b"weights " * 50_000)


@pytest.fixture
def certificate(folder: Path) -> Path:
    """Return a certificate for 127.0.0.1 that signs itself, with its key."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "stand-in")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    path = folder / "certificate.pem"
    path.write_bytes(made.public_bytes(pem) + key.private_bytes(pem, form, serialization.NoEncryption()))
    return path


@pytest.fixture
def secure(hubs: Hubs, certificate: Path) -> Iterator[str]:
    """Yield the stand-in hubs behind TLS."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    listening = socket.create_server(("127.0.0.1", 0))

    def serve(client: socket.socket) -> None:
        try:
            with (
                context.wrap_socket(client, server_side=True) as inner,
                socket.create_connection(("127.0.0.1", hubs.port)) as server,
            ):
                relay(inner, server, upload=True, idle_seconds=60)
        except OSError:
            client.close()  # a client that does not trust the certificate closes the connection

    def accept() -> None:
        while True:
            try:
                client, _ = listening.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(client,), daemon=True).start()

    thread = threading.Thread(target=accept)
    thread.start()
    yield f"https://127.0.0.1:{listening.getsockname()[1]}"
    listening.shutdown(socket.SHUT_RDWR)
    listening.close()
    thread.join()


@pytest.mark.parametrize("by_environment", [False, True])
def test_a_clone_by_https(
    hubs: Hubs, secure: str, certificate: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, by_environment: bool
) -> None:
    monkeypatch.delenv("GIT_SSL_CAINFO", raising=False)
    if by_environment:
        monkeypatch.setenv("GIT_SSL_CAINFO", str(certificate))
    hubs.serve("o/m", content.Repository([{".gitattributes": ATTRIBUTES, "w.bin": WEIGHTS}]))
    download = {"download": {"href": f"{secure}/_lfs/{WEIGHTS.oid}"}}
    answer = {"objects": [{"oid": WEIGHTS.oid, "size": len(WEIGHTS.body), "actions": download}]}
    hubs.faults.add("/objects/batch", status=200, body=json.dumps(answer))
    request = CloneRequest(
        url=f"{secure}/o/m",
        path=str(folder / "repos/o/m"),
        store=str(folder / "lfs"),
        configuration={} if by_environment else {"http.sslCAInfo": str(certificate)},
    )
    outcome = clone(request)
    assert (outcome.status, outcome.error) == ("cloned", None)
    assert (folder / "repos/o/m/w.bin").read_bytes() == WEIGHTS.body


def test_an_untrusted_certificate(hubs: Hubs, secure: str, folder: Path) -> None:
    hubs.serve("o/m", content.Repository([{"a": b"1"}]))
    outcome = clone(CloneRequest(url=f"{secure}/o/m", path=str(folder / "repos/o/m"), store=str(folder / "lfs")))
    assert outcome.status == "failed"
    assert "certificate" in str(outcome.error)
    assert not hubs.asked("o/m")
