"""Size of a repository without its history."""

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from ptmtorrent_scrapy.git import local
from ptmtorrent_scrapy.git.environment import check_url
from ptmtorrent_scrapy.git.lfs import pointers
from ptmtorrent_scrapy.git.models import CloneRequest
from ptmtorrent_scrapy.git.remote import Upstream, command
from ptmtorrent_scrapy.git.size_limit import SizeLimit
from ptmtorrent_scrapy.storage import folders

_LARGEST = 1 << 30  # bytes of a last commit that are read


def weight(repository: CloneRequest) -> int:
    """Return the bytes of a repository's last commit and of its requested large files.

    The last commit is fetched into a temporary folder beside `path`. Raise `GitError`.
    """
    check_url(repository.url, repository.protocols)
    git = command(repository)
    with _folder(Path(repository.path)) as clone:
        upstream = Upstream.of(repository, git)
        upstream.clone_last_commit(clone, SizeLimit(clone, _LARGEST).cloning)
        commit = local.head(clone)[1]
        if commit is None:
            return 0
        git.run("git", "read-tree", commit, cwd=clone)
        files = pointers.of_commit(git, clone, commit)
        large = pointers.wanted(git, clone, commit, files, repository.lfs)
        return local.size(clone / ".git") + sum(pointer.size for pointer in set(large.values()))


@contextlib.contextmanager
def _folder(beside: Path) -> Iterator[Path]:
    beside.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=beside.parent, prefix=".", suffix="~plan"))
    try:
        yield folder / "clone"
    finally:
        folders.remove(folder)
