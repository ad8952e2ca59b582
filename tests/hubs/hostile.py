"""Repositories that attack whoever clones them, at /hostile/NAME. Git refuses to make most of them."""

from collections.abc import Callable

from tests.hubs.content import Executable, File, Large, Repository, Submodule, Symlink, pointer

_ATTRIBUTES = b"*.bin filter=lfs diff=lfs merge=lfs -text\n"
_CONFIG = b"[core]\n\tfsmonitor = touch owned\n"
_WEIGHTS = Large(b"weights " * 5000)


def parent_folder(_: str) -> Repository:
    """Return a file in the folder above."""
    return Repository([{"../owned": b"1", "README.md": b"#\n"}])


def git_folder(_: str) -> Repository:
    """Return a configuration of its own, which names a program."""
    return Repository([{".git/config": _CONFIG, "README.md": b"#\n"}])


def git_folder_elsewhere(_: str) -> Repository:
    """Return the same for file systems that consider the names equal."""
    return Repository([{".GIT/config": _CONFIG, "git~1/config": _CONFIG, "README.md": b"#\n"}])


def symbolic_link(_: str) -> Repository:
    """Return a link that leads out of the working tree."""
    return Repository([{"link": Symlink(b"../../../../outside"), "README.md": b"#\n"}])


def through_symbolic_link(_: str) -> Repository:
    """Return a large file that would be written through such a link: one name is a link and a folder."""
    link: dict[str, File] = {"link": Symlink(b"../../../../outside"), "link/w.bin": _WEIGHTS}
    return Repository([{".gitattributes": _ATTRIBUTES, **link}])


def other_lfs_server(url: str) -> Repository:
    """Return a configuration that sends git-lfs, and the user's token, to another server."""
    config = f'[lfs]\n\turl = {url}/elsewhere\n[remote "origin"]\n\tlfsurl = {url}/elsewhere\n'.encode()
    return Repository([{".gitattributes": _ATTRIBUTES, ".lfsconfig": config, "w.bin": _WEIGHTS}])


def foreign_submodule(url: str) -> Repository:
    """Return a submodule on another server."""
    return _submodule(f"{url}/elsewhere")


def submodule_that_runs(_: str) -> Repository:
    """Return a submodule whose URL is a command."""
    return _submodule("ext::sh -c touch% owned")


def hooks(_: str) -> Repository:
    """Return programs at the paths of hooks and filters."""
    program = Executable(b"#!/bin/sh\ntouch owned\n")
    return Repository([{"hooks/post-checkout": program, ".gitattributes": b"* filter=evil\n", "evil": program}])


def two_cases(_: str) -> Repository:
    """Return two names that are equal on a case-insensitive file system."""
    return Repository([{".gitattributes": _ATTRIBUTES, "Model.bin": _WEIGHTS, "model.bin": Large(b"other weights")}])


def huge_folder(_: str) -> Repository:
    """Return a folder of 100,000 entries."""
    return Repository([{f"many/{number}": b"" for number in range(100_000)}])


def lying_pointer(_: str) -> Repository:
    """Return a large file whose pointer has another size."""
    lie = Large(_WEIGHTS.body, pointer=pointer(_WEIGHTS.oid, 1))
    return Repository([{".gitattributes": _ATTRIBUTES, "w.bin": lie}])


def expanding_pack(_: str) -> Repository:
    """Return files with a thousand times the bytes that are sent for them."""
    return Repository([dict.fromkeys((f"{number}.bin" for number in range(40)), bytes(30 << 20))])


def _submodule(url: str) -> Repository:
    modules = f'[submodule "sub"]\n\tpath = sub\n\turl = {url}\n'.encode()
    return Repository([{".gitmodules": modules, "sub": Submodule("1" * 40), "README.md": b"#\n"}])


# Each is given the URL of the server.
REPOSITORIES: dict[str, Callable[[str], Repository]] = {
    make.__name__.replace("_", "-"): make
    for make in (
        *(parent_folder, git_folder, git_folder_elsewhere, symbolic_link, through_symbolic_link),
        *(other_lfs_server, foreign_submodule, submodule_that_runs, hooks),
        *(two_cases, huge_folder, lying_pointer, expanding_pack),
    )
}
