"""Keep a user's changes in a working tree as a commit, before an explicit repair overwrites them."""

from collections.abc import Sequence
from pathlib import Path

from ptmtorrent_scrapy.git.command import Command
from ptmtorrent_scrapy.git.local import beside
from ptmtorrent_scrapy.git.tracking import LOCAL, Tracking

_AUTHOR = {
    f"GIT_{role}_{what}": value
    for role in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "ptmtorrent_scrapy"), ("EMAIL", "ptmtorrent_scrapy@localhost"))
}
_MESSAGE = "Changes in the working tree, before a repair of the clone"


def keep(git: Command, clone: Path, tracking: Tracking, paths: Sequence[bytes], work_tree: Path | None = None) -> str:
    """Commit files of a working tree on top of HEAD, without changing HEAD and index; return the new reference.

    `work_tree` is that of another clone. Raise `GitError`.
    """
    index = beside(clone, "index")
    environment = {"GIT_INDEX_FILE": str(index.absolute()), **_AUTHOR}
    if work_tree:
        environment["GIT_WORK_TREE"] = str(work_tree.absolute())
    try:
        git.run("git", "read-tree", "HEAD", cwd=clone, environment=environment)
        files = b"".join(path + b"\0" for path in paths)
        git.run("git", "update-index", "--add", "-z", "--stdin", cwd=clone, environment=environment, stdin=files)
        tree = git.run("git", "write-tree", cwd=clone, environment=environment).decode().strip()
    finally:
        index.unlink(missing_ok=True)
    command = ("git", "commit-tree", tree, "-p", "HEAD", "-m", _MESSAGE)
    commit = git.run(*command, cwd=clone, environment=environment).decode().strip()
    name = f"{LOCAL}{tracking.moment()}/changes"
    tracking.change({name: commit})
    return name


def restore(git: Command, clone: Path, name: str, paths: Sequence[bytes]) -> None:
    """Restore files of a working tree from a commit of `keep`. Raise `GitError`."""
    command = ("git", "restore", "--worktree", f"--source={name}", "--pathspec-from-file=-", "--pathspec-file-nul")
    files = b"".join(path + b"\0" for path in paths)
    git.run(*command, cwd=clone, environment={"GIT_LITERAL_PATHSPECS": "1"}, stdin=files)
