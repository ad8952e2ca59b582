"""Read and change the origin of a clone in its configuration, without starting a process for each clone."""

import os
import re
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

from ptmtorrent_scrapy.git.environment import HARDENED, configured
from ptmtorrent_scrapy.git.remote import lfs_url
from ptmtorrent_scrapy.storage.atomic import write

# As git writes it (git-config(1)); quoted or escaped values are left to git.
_SETTING = re.compile(rb'^\t(url) = ([^\s"\\#;]+)$')
_SECTIONS = {b'[remote "origin"]': "remote.origin.url", b"[lfs]": "lfs.url"}


def origin(clone: Path) -> str | None:
    """Return the URL of a clone's origin; None if its configuration has none."""
    found = _urls((clone / ".git" / "config").read_bytes()).get("remote.origin.url")
    if found is not None:
        return os.fsdecode(found)
    output = subprocess.run(
        ["git", "config", "--file", clone / ".git" / "config", "--get", "remote.origin.url"],
        env=configured(dict(os.environ), HARDENED),
        capture_output=True,
    ).stdout
    return os.fsdecode(output).strip() or None


def set_origin(clone: Path, url: str) -> None:
    """Set the URL of a clone's origin. Raise `OSError`."""
    path = clone / ".git" / "config"
    urls = {"remote.origin.url": url, "lfs.url": lfs_url(url)}
    text = path.read_bytes()
    if _urls(text).keys() >= urls.keys() and not re.search(r'[\s"\\#;]', url):
        write(path, _replaced(text, urls))
        return
    for name, value in urls.items():
        subprocess.run(["git", "config", "--file", path, name, value], check=True, capture_output=True)


def is_other_repository(one: str, other: str) -> bool:
    """Return whether two URLs name different repositories of one server; another server may be a mirror of it.

    >>> is_other_repository("https://hf.co/gpt2", "https://hf.co/hf.co/gpt2")
    True
    >>> is_other_repository("https://hf.co/gpt2", "https://mirror/gpt2")
    False
    """
    first, second = urlsplit(one), urlsplit(other)
    paths = [parts.path.rstrip("/").removesuffix(".git").casefold() for parts in (first, second)]
    return first.netloc.casefold() == second.netloc.casefold() and paths[0] != paths[1]


def _urls(text: bytes) -> dict[str, bytes]:
    """Return the URLs that are written without quotes, by the name of their setting."""
    return {name: match[2] for name, match, _ in _lines(text) if name and match}


def _replaced(text: bytes, urls: dict[str, str]) -> bytes:
    lines = []
    for name, match, line in _lines(text):
        lines.append(b"\turl = " + os.fsencode(urls[name]) if name in urls and match else line)
    return b"\n".join(lines)


def _lines(text: bytes) -> list[tuple[str | None, re.Match[bytes] | None, bytes]]:
    """Return (setting, match of its URL, line) of each line."""
    section: str | None = None
    found = []
    for line in text.split(b"\n"):
        if line.startswith(b"["):
            section = _SECTIONS.get(line.strip())
        found.append((section, _SETTING.match(line) if section else None, line))
    return found
