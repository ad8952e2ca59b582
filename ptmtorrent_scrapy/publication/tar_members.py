"""Members of tar archives that are the same on every machine, and the lines of their lists of SHA-256."""

import hashlib
import os
import tarfile
from collections.abc import Iterator

from ptmtorrent_scrapy.publication.bag import BagError
from ptmtorrent_scrapy.publication.files import Entry, opened

END = b"\0" * (2 * tarfile.BLOCKSIZE)  # bytes of an archive's block
_CHUNK = 1 << 20


def member(entry: Entry, time: int, digest: "hashlib._Hash") -> Iterator[bytes]:
    """Yield header, content and padding of a member. Raise `BagError` if its file has changed."""
    yield header(entry, time)
    left = entry.size
    if isinstance(entry.content, bytes):
        digest.update(entry.content)
        yield entry.content
    else:
        with opened(entry.content) as file:
            while left and (piece := file.read(min(left, _CHUNK))):
                digest.update(piece)
                left -= len(piece)
                yield piece
            if left or file.read(1):
                raise BagError(f"{entry.content} has changed while it was packaged; run the command again")
    yield b"\0" * (-entry.size % tarfile.BLOCKSIZE)


def header(entry: Entry, time: int) -> bytes:
    """Return the header of a member, in GNU's format: it takes names of any bytes and files of any size."""
    member = tarfile.TarInfo(entry.path)
    member.size, member.mode, member.mtime = entry.size, entry.mode, time
    if entry.link:
        member.type, member.linkname = tarfile.LNKTYPE, entry.link
    return member.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape")


def padded(size: int) -> int:
    return -(-size // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE


def sum_line(digest: str, path: str) -> bytes:
    r"""Return a line for `sha256sum --check`, which escapes backslashes and line ends.

    >>> sum_line("0", "a\nb")
    b'\\0  a\\nb\n'
    """
    name = os.fsencode(path)
    escaped = name.replace(b"\\", b"\\\\").replace(b"\n", b"\\n").replace(b"\r", b"\\r")
    return (b"\\" if escaped != name else b"") + digest.encode() + b"  " + escaped + b"\n"


def version(entry: Entry) -> list[object]:
    """Return a value that changes if the content of an entry changes."""
    if isinstance(entry.content, bytes):
        return [hashlib.sha256(entry.content).hexdigest()]
    found = os.lstat(entry.content)
    return [found.st_mtime_ns, found.st_ino]
