"""Check whether git and git-lfs run and are recent enough."""

import re
import shutil
import subprocess

from ptmtorrent_scrapy.formats.printable import printable

Version = tuple[int, ...]

NAMES = ("git", "git-lfs")
_LEAST: dict[str, Version] = {"git": (2, 39), "git-lfs": (3, 0)}
_VERSION = re.compile(r"(\d{1,9})\.(\d{1,9})(?:\.(\d{1,9}))?")
_TIMEOUT = 10  # seconds for a program to print its version


class Unusable(Exception):
    """A program cannot be used; `found` says why, `advice` what to do."""

    def __init__(self, name: str, found: str, advice: str) -> None:
        super().__init__(f"{name} {found}; {advice}")
        self.found = found
        self.advice = advice


def version(name: str) -> Version:
    """Return the version of git or git-lfs. Raise `Unusable`."""
    path = shutil.which(name)
    if path is None:
        raise Unusable(name, "is not installed", f"install it, on Debian with: apt-get install {name}")
    try:
        command = [path, "--version"]
        answer = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_TIMEOUT)
    except (OSError, subprocess.TimeoutExpired, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it does not answer"
        raise Unusable(name, f"does not run: {path}: {reason}", "install it again") from None
    match = _VERSION.search(answer.stdout)
    if match is None or answer.returncode:
        text = printable((answer.stderr or answer.stdout).strip()[:100]) or "no version"
        raise Unusable(name, f"does not run: {path} --version says: {text}", "install it again")
    found = tuple(int(number or 0) for number in match.groups())
    if found < _LEAST[name]:
        least = ".".join(map(str, _LEAST[name]))
        raise Unusable(name, f"{'.'.join(map(str, found))} is too old", f"install {least} or later")
    return found
