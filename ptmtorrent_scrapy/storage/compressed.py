"""Compressed files: written with zstd (RFC 8878), read with zstd or gzip, which earlier versions wrote."""

import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import zstandard

SUFFIX = ".zst"
DAMAGED = (EOFError, zlib.error, gzip.BadGzipFile, zstandard.ZstdError)  # errors of readers of damaged files
_LEVEL = 3
_END = 1 << 17  # bytes read at once


def compressed(path: Path) -> Path:
    """Return the path of the compressed copy of a file; one of an earlier version (`.gz`) if only that exists."""
    new, earlier = (path.with_name(f"{path.name}{suffix}") for suffix in (SUFFIX, ".gz"))
    return earlier if earlier.is_file() and not new.is_file() else new


@contextmanager
def reading(path: Path) -> Iterator[IO[bytes]]:
    """Open a file to read it decompressed. Raise `OSError`, and one of `DAMAGED` while it is read."""
    if path.suffix == ".gz":
        with gzip.open(path, "rb") as file:
            yield file  # type: ignore[misc]  # GzipFile is no IO
    elif path.suffix == SUFFIX:
        with path.open("rb") as raw, io.BufferedReader(_Decompressed(raw)) as file:
            yield file
    else:
        with path.open("rb") as file:
            yield file


@contextmanager
def writing(path: Path) -> Iterator[IO[bytes]]:
    """Open a file to write it compressed, with a checksum of its content."""
    compressor = zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True)
    with path.open("wb") as raw, compressor.stream_writer(raw, closefd=False) as file:
        yield file


class _Decompressed(io.RawIOBase):
    """The content of one zstd frame; a truncated frame raises `EOFError`, unlike with zstandard's own reader."""

    def __init__(self, raw: IO[bytes]) -> None:
        self._raw = raw
        self._frame = zstandard.ZstdDecompressor(max_window_size=1 << 27).decompressobj()
        self._ready = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "memoryview") -> int:  # type: ignore[override]  # RawIOBase's own
        while not self._ready and not self._frame.eof:
            piece = self._raw.read(_END)
            if not piece:
                raise EOFError("the compressed file is truncated")
            self._ready = self._frame.decompress(piece)
        count = min(len(buffer), len(self._ready))
        buffer[:count] = self._ready[:count]
        self._ready = self._ready[count:]
        return count
