"""Check programs: installed, recent enough, and without vulnerabilities that a hostile repository can use."""

import contextlib
import gzip
import importlib.metadata
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ptmtorrent_scrapy.doctor.result import OK, WARNING, WRONG, CheckResult
from ptmtorrent_scrapy.downloadhandlers import chromium_program
from ptmtorrent_scrapy.git import programs
from ptmtorrent_scrapy.git.programs import Version

if TYPE_CHECKING:  # no other command needs it
    from packaging.requirements import Requirement

# Vulnerabilities of clients, and the release of each branch that fixes them (security advisories of git and git-lfs).
_MAY_2024 = {39: 4, 40: 2, 41: 1, 42: 2, 43: 4, 44: 1, 45: 1}
_JANUARY_2025 = {40: 4, 41: 3, 42: 4, 43: 6, 44: 3, 45: 3, 46: 3, 47: 2, 48: 1}
_JULY_2025 = {43: 7, 44: 4, 45: 4, 46: 4, 47: 3, 48: 2, 49: 1, 50: 1}
_HOLES: dict[str, dict[str, dict[int, int]]] = {
    "git": {
        "CVE-2024-32002": _MAY_2024,
        "CVE-2024-52006": _JANUARY_2025,
        "CVE-2025-48384": _JULY_2025,
        "CVE-2025-48385": _JULY_2025,
    },
    "git-lfs": {"CVE-2024-53263": {6: 1}, "CVE-2025-26625": {7: 1}},
}


def findings() -> Iterator[CheckResult]:
    """Check all programs and packages."""
    yield program("git")
    yield program("git-lfs")
    yield _python()
    yield from _packages()
    yield _browser()


def program(name: str) -> CheckResult:
    """Check git or git-lfs."""
    try:
        version = programs.version(name)
    except programs.Unusable as error:
        return CheckResult(name, WRONG, error.found, error.advice)
    text, path = ".".join(map(str, version)), shutil.which(name) or name
    package, changes = _package(name, path)
    found = f"{text} ({package})" if package else text
    open_holes = [hole for hole, fixed in _HOLES[name].items() if not is_closed(version, fixed) and hole not in changes]
    if open_holes:
        return CheckResult(name, WARNING, f"{found} has {', '.join(open_holes)}", "install a release that fixes them")
    by_package = any(not is_closed(version, fixed) for fixed in _HOLES[name].values())
    return CheckResult(name, OK, f"{found}{', with the fixes of its package' if by_package else ''}")


def is_closed(version: Version, fixed: dict[int, int]) -> bool:
    """Return whether a release fixes a vulnerability, by the first fixed release of each branch.

    >>> is_closed((2, 45, 1), {44: 1, 45: 1}), is_closed((2, 44, 0), {44: 1, 45: 1}), is_closed((2, 50, 0), {45: 1})
    (True, False, True)
    """
    branch, release = version[1], version[2]
    return branch > max(fixed) or (branch in fixed and release >= fixed[branch])


def _package(name: str, path: str) -> tuple[str | None, str]:
    """Return the version of a program's Debian package, if there is one, and the package's changelog."""
    if shutil.which("dpkg-query") is None or not path.startswith(("/usr/bin/", "/bin/")):
        return None, ""
    command = ["dpkg-query", "--show", "--showformat", "${Version}", name]
    version = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20).stdout.strip()
    changes = Path(f"/usr/share/doc/{name}/changelog.Debian.gz")
    if not version:
        return None, ""
    if not changes.is_file():
        return f"Debian's {version}, whose changelog is not installed", ""
    with gzip.open(changes, "rt", encoding="utf-8", errors="replace") as file:
        return f"Debian's {version}", file.read()


def _python() -> CheckResult:
    return CheckResult("python", OK, ".".join(map(str, sys.version_info[:3])))


def _packages() -> Iterator[CheckResult]:
    """Check the requirements of a checkout, or those of an installed package and of its extras."""
    requirements = _requirements()
    if not requirements:
        yield CheckResult("packages", WARNING, "no list of requirements found", "compare with requirements.txt")
        return
    required = [requirement for requirement in requirements if _extra(requirement) is None]
    if wrong := [problem for requirement in required if (problem := _problem(requirement))]:
        yield CheckResult("packages", WRONG, ", ".join(wrong), "install them: pip install -r requirements.txt")
    else:
        yield CheckResult("packages", OK, f"all {len(required)} required packages")
    for requirement in requirements:
        extra = _extra(requirement)
        if extra and (problem := _problem(requirement)):
            yield CheckResult("packages", WARNING, problem, f'if you need it: pip install "ptmtorrent-scrapy[{extra}]"')


def _problem(requirement: "Requirement") -> str | None:
    """Return what is wrong with an installed package; None if it satisfies the requirement."""
    try:
        version = importlib.metadata.version(requirement.name)
    except importlib.metadata.PackageNotFoundError:
        return f"{requirement.name} is missing"
    if requirement.specifier.contains(version, prereleases=True):
        return None
    return f"{requirement.name} {version} is not {requirement.specifier}"


def _extra(requirement: "Requirement") -> str | None:
    """Return the extra that a requirement of installed metadata belongs to; None if it is always required."""
    found = re.search(r"""extra == ["']([\w-]+)["']""", str(requirement.marker))
    return found[1] if found else None


def _requirements() -> list["Requirement"]:
    from packaging.requirements import Requirement

    file = Path(__file__).parent.parent.parent / "requirements.txt"
    if file.is_file():
        lines = file.read_text().splitlines()
        return [Requirement(line) for line in lines if line and not line.startswith(("#", "-"))]
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        return [Requirement(line) for line in importlib.metadata.requires("ptmtorrent-scrapy") or []]
    return []


def _browser() -> CheckResult:
    advice = "needed only for PyTorch Hub's pages; on Debian: apt-get install chromium"
    if wrong := chromium_program.problem():
        return CheckResult("browser", WARNING, wrong, advice)
    path = chromium_program.find()
    command = [str(path), "--version"]
    started = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    if started.returncode:
        return CheckResult("browser", WARNING, f"{path} does not start", advice)
    return CheckResult("browser", OK, started.stdout.strip())
