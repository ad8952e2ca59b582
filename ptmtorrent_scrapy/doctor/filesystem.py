"""The file system of the data tree: free space, links, names, locks."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from ptmtorrent_scrapy.doctor.result import OK, WARNING, WRONG, CheckResult
from ptmtorrent_scrapy.formats.sizes import human
from ptmtorrent_scrapy.git import open_files
from ptmtorrent_scrapy.storage.lock import LockHeld, lock
from ptmtorrent_scrapy.storage.owner import other_owner, user

_NAME = 255  # bytes of the longest name
_NETWORK = ("nfs", "nfs4", "cifs", "smb3", "lustre", "beegfs", "ceph", "fuse.sshfs", "9p", "gpfs")


def findings(root: Path, min_free: int, concurrency: int) -> Iterator[CheckResult]:
    """Check the folder of the data tree; folders that the check creates are removed again."""
    made = _make(root)
    try:
        with tempfile.TemporaryDirectory(dir=root, prefix=".doctor~") as scratch:
            for check in (_links, _case, _names, _locks):
                yield _checked(check, Path(scratch))
        yield CheckResult("writable", OK, str(root.resolve()))
        yield _owner(root)
        yield _free_space(root, min_free)
        yield _kind(root)
    except OSError as error:
        yield CheckResult("writable", WRONG, f"{root} cannot be written: {error.strerror}", "choose another DATA_DIR")
    finally:
        for folder in made:
            with contextlib.suppress(OSError):
                folder.rmdir()
    yield _open_files(concurrency)


def _make(root: Path) -> list[Path]:
    """Make a folder; return the folders that did not exist, innermost first."""
    missing = [folder for folder in (root, *root.parents) if not folder.exists()]
    with contextlib.suppress(OSError):
        root.mkdir(parents=True, exist_ok=True)
    return missing


def _checked(check: Callable[[Path], CheckResult], scratch: Path) -> CheckResult:
    try:
        return check(scratch)
    except OSError as error:
        name = check.__name__.strip("_")
        return CheckResult(name, WRONG, f"{error.strerror}", "choose a DATA_DIR on another file system")


def _links(scratch: Path) -> CheckResult:
    (scratch / "file").write_bytes(b"1")
    try:
        os.link(scratch / "file", scratch / "link")
    except OSError:
        advice = (
            "large files will be copied and take twice their size; set CLONE_LFS_FILES=pointer, or use another disk"
        )
        return CheckResult("links", WARNING, "no hard links", advice)
    same = os.path.samestat((scratch / "file").stat(), (scratch / "link").stat())
    if same:
        return CheckResult("links", OK, "hard links")
    return CheckResult("links", WARNING, "hard links that are copies")


def _case(scratch: Path) -> CheckResult:
    (scratch / "case").touch()
    if (scratch / "CASE").exists():
        advice = "models whose names differ only in case share a folder here; use a case-sensitive file system"
        return CheckResult("case", WARNING, "upper and lower case are the same", advice)
    return CheckResult("case", OK, "upper and lower case differ")


def _names(scratch: Path) -> CheckResult:
    advice = "names of models may be as long as 230 bytes, in any script; choose a DATA_DIR on another file system"
    for name, what in (("x" * _NAME, f"of {_NAME} bytes"), ("é漢", "in other scripts"), ("a:b", "with a colon")):
        try:
            (scratch / name).touch()
        except OSError as error:
            return CheckResult("names", WRONG, f"names {what} cannot be created: {error.strerror}", advice)
    if "é漢" not in os.listdir(scratch):
        return CheckResult("names", WARNING, "the file system changes names", advice)
    return CheckResult("names", OK, f"up to {_NAME} bytes, in any script")


def _locks(scratch: Path) -> CheckResult:
    path = scratch / "lock"
    with lock(path):
        try:
            with lock(path):
                pass
        except LockHeld:
            return CheckResult("locks", OK, "work")
    advice = "two crawls would write the same files: mount the file system with locks (nfs: not nolock)"
    return CheckResult("locks", WRONG, "do not work", advice)


def _owner(root: Path) -> CheckResult:
    """Check that the tree belongs to this user: git refuses folders of others, except in this program's commands."""
    hubs = sorted(path for path in root.iterdir() if path.is_dir() and not path.name.startswith("."))
    owner = other_owner([root, *hubs, *(hub / "repos" for hub in hubs)])
    if owner is None:
        return CheckResult("owner", OK, user(os.geteuid()))
    advice = (
        "crawls work nevertheless; for your own git commands: git config --global --add safe.directory CLONE, or chown"
    )
    return CheckResult("owner", WARNING, owner, advice)


def _free_space(root: Path, min_free: int) -> CheckResult:
    free = shutil.disk_usage(root).free
    found = f"{human(free)} free"
    if free < min_free:
        advice = f"nothing is cloned below CLONE_MIN_FREE={human(min_free)}: free some space"
        return CheckResult("space", WRONG, found, advice)
    return CheckResult("space", OK, f"{found}, of which CLONE_MIN_FREE keeps {human(min_free)}")


def _kind(root: Path) -> CheckResult:
    kind = _file_system(root)
    if kind in _NETWORK:
        advice = "a network file system; mount it with locks, and expect slow clones"
        return CheckResult("file system", WARNING, kind, advice)
    return CheckResult("file system", OK, kind)


def _file_system(root: Path) -> str:
    """Return the kind of file system, from proc(5)."""
    path, best = str(root.resolve()), ("", "of unknown kind")
    with contextlib.suppress(OSError), open("/proc/mounts", encoding="utf-8", errors="replace") as mounts:
        for line in mounts:
            _, where, kind = line.split()[:3]
            if (path == where or path.startswith(where.rstrip("/") + "/")) and len(where) >= len(best[0]):
                best = (where, kind)
    return best[1]


def _open_files(concurrency: int) -> CheckResult:
    """Check that CLONE_CONCURRENCY clones can run at a time; a crawl raises the soft limit itself."""
    clones = open_files.clones_at_once()
    found = f"{open_files.limit()} at a time, enough for {clones} clones"
    if clones < concurrency:
        advice = f"raise the hard limit (ulimit -Hn), or set CLONE_CONCURRENCY={max(1, clones)}"
        return CheckResult("open files", WARNING, f"{found}, and CLONE_CONCURRENCY is {concurrency}", advice)
    return CheckResult("open files", OK, found)
