"""Content of repositories and its git objects, including hostile ones that git itself refuses to make."""

import hashlib
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

AUTHORS = (
    b"Stand-in <stand-in@example.org>",
    b"Ada Lovelace <ada@example.org>",
    b"Grace Hopper <grace@example.org>",
    b"\xe6\x9d\x8e\xe6\x98\x8e <li@example.cn>",
)
_WEEK = 7 * 86_400  # seconds between the commits of a repository


@dataclass(frozen=True)
class Large:
    """A file in git-lfs; `pointer` may have false data about it."""

    body: bytes
    pointer: bytes | None = None

    @cached_property
    def oid(self) -> str:
        return hashlib.sha256(self.body).hexdigest()

    def as_pointer(self) -> bytes:
        return self.pointer or pointer(self.oid, len(self.body))


@dataclass(frozen=True)
class Symlink:
    """A symbolic link."""

    target: bytes


@dataclass(frozen=True)
class Submodule:
    """A submodule's commit; its URL is in `.gitmodules`."""

    commit: str


@dataclass(frozen=True)
class Executable:
    """A program."""

    body: bytes


File = bytes | Large | Symlink | Submodule | Executable
Files = Mapping[str, File]  # content of a commit, by path
Objects = dict[str, tuple[bytes, bytes]]  # id -> (type, content)


def pointer(oid: str, size: int) -> bytes:
    """Return a pointer file of git-lfs."""
    return b"version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize %d\n" % (oid.encode(), size)


def object_id(kind: bytes, content: bytes) -> str:
    """Return git's id of an object."""
    return hashlib.sha1(b"%s %d\0" % (kind, len(content)) + content, usedforsecurity=False).hexdigest()


@dataclass
class Repository:
    """A repository: one mapping of paths to files per commit, oldest first; none for an empty repository."""

    commits: Sequence[Files] = ()
    branch: str = "main"
    large: dict[str, bytes] = field(default_factory=dict)  # by oid, filled while the objects are made
    first: int = 0  # the number of the first commit, which makes its date

    def objects(self) -> tuple[str | None, Objects]:
        """Return (head, objects)."""
        objects: Objects = {}
        head = None
        for number, files in enumerate(self.commits, self.first):
            head = commit(tree(files, objects, self.large), head, number, objects)
        return head, objects


def tree(files: Files, objects: Objects, large: dict[str, bytes]) -> str:
    """Add a tree and its content to the objects; names are used unchanged, even `..`. Return its id."""
    entries: dict[str, tuple[bytes, str]] = {}
    folders: dict[str, dict[str, File]] = {}
    for path, file in files.items():
        name, slash, rest = path.partition("/")
        if slash:
            folders.setdefault(name, {})[rest] = file
        else:
            entries[name] = _entry(file, objects, large)
    listed = [(name.encode() + b"\0", name.encode(), *entry) for name, entry in entries.items()]
    for name, inner in folders.items():
        listed.append((name.encode() + b"/", name.encode(), b"40000", tree(inner, objects, large)))
    body = b"".join(mode + b" " + name + b"\0" + bytes.fromhex(oid) for _, name, mode, oid in sorted(listed))
    return _add(b"tree", body, objects)


def folder(trees: Mapping[str, str], objects: Objects) -> str:
    """Add a tree of trees, by their names; return its id."""
    body = b"".join(b"40000 " + name.encode() + b"\0" + bytes.fromhex(oid) for name, oid in sorted(trees.items()))
    return _add(b"tree", body, objects)


def commit(of_tree: str, parent: str | None, number: int, objects: Objects) -> str:
    """Add a commit to the objects; return its id."""
    return _add(b"commit", commit_body(of_tree, parent, number), objects)


def commit_body(of_tree: str, parent: str | None, number: int) -> bytes:
    """Return the content of a commit; `number` determines its date and author."""
    when = b"%s %d +0000" % (AUTHORS[number % len(AUTHORS)], 1_600_000_000 + number * _WEEK)
    parents = f"parent {parent}\n" if parent else ""
    return f"tree {of_tree}\n{parents}".encode() + b"author %s\ncommitter %s\n\nCommit %d\n" % (when, when, number)


def _entry(file: File, objects: Objects, large: dict[str, bytes]) -> tuple[bytes, str]:
    """Return (mode, id)."""
    match file:
        case Large():
            large[file.oid] = file.body
            return b"100644", _add(b"blob", file.as_pointer(), objects)
        case Symlink():
            return b"120000", _add(b"blob", file.target, objects)
        case Submodule():
            return b"160000", file.commit
        case Executable():
            return b"100755", _add(b"blob", file.body, objects)
        case bytes():
            return b"100644", _add(b"blob", file, objects)


def _add(kind: bytes, content: bytes, objects: Objects) -> str:
    oid = object_id(kind, content)
    objects[oid] = (kind, content)
    return oid


def write_bare(path: Path, head: str | None, objects: Objects, branch: str) -> None:
    """Make, or add to, a bare repository."""
    for folder in ("objects", "refs/heads"):
        (path / folder).mkdir(parents=True, exist_ok=True)
    (path / "HEAD").write_text(f"ref: refs/heads/{branch}\n")
    (path / "config").write_text("[core]\n\tbare = true\n\trepositoryformatversion = 0\n")
    for oid, (kind, content) in objects.items():
        loose = path / "objects" / oid[:2] / oid[2:]
        if not loose.exists():
            loose.parent.mkdir(exist_ok=True)
            loose.write_bytes(zlib.compress(b"%s %d\0" % (kind, len(content)) + content, 1))
    if head:
        (path / "refs" / "heads" / branch).write_text(head + "\n")


def paths(files: Files) -> Iterator[str]:
    """Return the paths of all files except submodules."""
    return (path for path, file in files.items() if not isinstance(file, Submodule))
