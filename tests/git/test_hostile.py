"""Hostile repositories: nothing outside the tree is written, and no other server is contacted."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ptmtorrent_scrapy.git.clone import clone
from ptmtorrent_scrapy.git.environment import check_url
from ptmtorrent_scrapy.git.errors import Refused
from ptmtorrent_scrapy.git.models import CloneRequest, CloneResult
from tests import hubs as content
from tests.conftest import git
from tests.hubs import Executable, Hubs, Large, Submodule, Symlink
from tests.hubs import content as made
from tests.hubs.content import pointer

ATTRIBUTES = b"*.bin filter=lfs diff=lfs merge=lfs -text\n"
WEIGHTS = Large(b"weights " * 5000)
MORE = Large(b"more weights " * 500)

Try = Callable[[content.Repository], CloneResult]


@pytest.fixture
def attempt(hubs: Hubs, folder: Path) -> Iterator[Try]:
    """Return a function that clones a repository, and checks that nothing is written outside of the tree."""
    outside = folder / "outside"
    outside.mkdir()
    (outside / "precious").write_text("as it was")

    def make(repository: content.Repository) -> CloneResult:
        hubs.serve("o/m", repository)
        return clone(
            CloneRequest(
                url=f"{hubs.url}/o/m",
                path=str(folder / "tree" / "repos" / "o" / "m"),
                store=str(folder / "tree" / "lfs"),
                protocols=("http",),
                timeout=60,
            )
        )

    yield make
    assert [path.name for path in outside.iterdir()] == ["precious"]
    assert (outside / "precious").read_text() == "as it was"
    assert {path.name for path in folder.iterdir()} <= {"outside", "tree"}
    assert {path.name for path in (folder / "tree").iterdir()} <= {"repos", "lfs"}


@pytest.fixture
def clone_folder(folder: Path) -> Path:
    return folder / "tree" / "repos" / "o" / "m"


@pytest.mark.parametrize("target", [b"../../../../outside", b"/tmp", b"."])
def test_a_symbolic_link_is_a_plain_file(attempt: Try, clone_folder: Path, target: bytes) -> None:
    outcome = attempt(content.Repository([{".gitattributes": ATTRIBUTES, "link": Symlink(target), "w.bin": WEIGHTS}]))
    assert outcome.status == "cloned"
    assert not (clone_folder / "link").is_symlink()
    assert (clone_folder / "link").read_bytes() == target
    assert (clone_folder / "w.bin").read_bytes() == WEIGHTS.body
    assert git(clone_folder, "status", "--porcelain") == ""


def test_a_large_file_through_a_symbolic_link(attempt: Try, clone_folder: Path) -> None:
    files: content.Files = {
        ".gitattributes": ATTRIBUTES,
        "link": Symlink(b"../../../../outside"),
        "link/w.bin": WEIGHTS,
    }
    outcome = attempt(content.Repository([files]))
    assert outcome.status in ("refused", "failed")
    assert not clone_folder.exists()


def test_a_link_that_became_a_folder(attempt: Try, clone_folder: Path, hubs: Hubs) -> None:
    attempt(content.Repository([{".gitattributes": ATTRIBUTES, "a": Symlink(b"../../../../outside")}]))
    outcome = attempt(content.Repository([{".gitattributes": ATTRIBUTES, "a/w.bin": WEIGHTS}]))
    assert outcome.status == "updated"
    assert (clone_folder / "a" / "w.bin").read_bytes() == WEIGHTS.body


def test_a_symbolic_link_in_the_tree_itself(attempt: Try, clone_folder: Path, folder: Path) -> None:
    attempt(content.Repository([{".gitattributes": ATTRIBUTES, "a/w.bin": WEIGHTS}]))
    (clone_folder / "a" / "w.bin").unlink()
    (clone_folder / "a").rmdir()
    (clone_folder / "a").symlink_to(folder / "outside")
    more = Large(b"more")
    outcome = attempt(content.Repository([{".gitattributes": ATTRIBUTES, "a/w.bin": WEIGHTS, "a/x.bin": more}]))
    assert outcome.status == "updated"
    assert not (clone_folder / "a").is_symlink()


@pytest.mark.parametrize(
    "setting",
    [
        "[lfs]\n\turl = {url}/lfs",
        '[remote "origin"]\n\tlfsurl = {url}/lfs',
        "[lfs]\n\tpushurl = {url}\n\turl = ssh://127.0.0.1/x",
        '[lfs]\n\tstandalonetransferagent = evil\n[lfs "customtransfer.evil"]\n\tpath = /bin/false',
        "[lfs]\n\tstorage = ../../../../outside",
    ],
)
def test_lfsconfig_does_not_redirect_requests(
    attempt: Try, clone_folder: Path, other_server: tuple[str, list[str]], setting: str
) -> None:
    url, asked = other_server
    config = setting.replace("{url}", url).encode()
    outcome = attempt(content.Repository([{".gitattributes": ATTRIBUTES, ".lfsconfig": config, "w.bin": WEIGHTS}]))
    assert outcome.status == "cloned"
    assert (clone_folder / "w.bin").read_bytes() == WEIGHTS.body
    assert git(clone_folder, "lfs", "fsck") == "Git LFS fsck OK\n"
    assert asked == []


def test_an_lfs_server_that_leads_elsewhere(attempt: Try, hubs: Hubs, other_server: tuple[str, list[str]]) -> None:
    url, asked = other_server
    hubs.faults.add(f"^/_lfs/{WEIGHTS.oid}", status=302, headers={"Location": f"{url}/metadata"})
    link = {"oid": MORE.oid, "size": len(MORE.body), "actions": {"download": {"href": f"{url}/linked"}}}
    there = {"oid": WEIGHTS.oid, "size": len(WEIGHTS.body)}
    there["actions"] = {"download": {"href": f"{hubs.url}/_lfs/{WEIGHTS.oid}"}}
    hubs.faults.add("/objects/batch", status=200, body=json.dumps({"objects": [link, there]}))
    outcome = attempt(content.Repository([{".gitattributes": ATTRIBUTES, "w.bin": WEIGHTS, "m.bin": MORE}]))
    assert outcome.status == "partial"
    assert "is on this machine or a private network" in str(outcome.error)
    assert asked == []


def test_a_repository_on_this_machine_that_no_setting_names(folder: Path, other_server: tuple[str, list[str]]) -> None:
    url, asked = other_server
    outcome = clone(
        CloneRequest(
            url=f"{url}/o/m",
            path=str(folder / "repos" / "o" / "m"),
            store=str(folder / "lfs"),
            protocols=("http",),
            trusted=("http://127.0.0.1:1/hub",),
        )
    )
    assert outcome.status == "refused"
    assert asked == []


def test_a_batch_request_that_is_redirected_to_this_machine(
    attempt: Try, hubs: Hubs, other_server: tuple[str, list[str]]
) -> None:
    url, asked = other_server
    hubs.faults.add("/objects/batch", status=307, headers={"Location": f"{url}/batch"})
    assert attempt(content.Repository([{".gitattributes": ATTRIBUTES, "w.bin": WEIGHTS}])).status == "partial"
    assert asked == []


def test_a_git_server_that_leads_elsewhere(attempt: Try, hubs: Hubs, other_server: tuple[str, list[str]]) -> None:
    url, asked = other_server
    hubs.faults.add("info/refs", status=302, headers={"Location": f"{url}/info/refs?service=git-upload-pack"})
    outcome = attempt(content.Repository([{"a": b"1"}]))
    assert outcome.status == "refused"
    assert "is on this machine or a private network" in str(outcome.error)
    assert asked == []


def test_submodules_are_not_fetched(attempt: Try, clone_folder: Path, other_server: tuple[str, list[str]]) -> None:
    url, asked = other_server
    modules = f'[submodule "sub"]\n\tpath = sub\n\turl = {url}/evil.git\n'.encode()
    outcome = attempt(content.Repository([{".gitmodules": modules, "sub": Submodule("1" * 40), "a": b"1"}]))
    assert outcome.status == "cloned"
    assert list((clone_folder / "sub").iterdir()) == []
    assert asked == []


@pytest.mark.parametrize(
    "modules",
    [
        b'[submodule "sub"]\n\tpath = sub\n\turl = -u./payload\n',
        b'[submodule "sub"]\n\tpath = -sub\n\turl = http://example.org/\n',
        b'[submodule "../../x"]\n\tpath = sub\n\turl = http://example.org/\n',
    ],
)
def test_submodules_with_options(attempt: Try, clone_folder: Path, modules: bytes) -> None:
    outcome = attempt(content.Repository([{".gitmodules": modules, "sub": Submodule("1" * 40)}]))
    assert outcome.status == "refused"
    assert not clone_folder.exists()


@pytest.mark.parametrize("name", ["..", ".", ".git", ".GIT", ".git ", "git~1", ".g\u200cit"])
def test_names_that_git_must_not_write(attempt: Try, clone_folder: Path, name: str) -> None:
    outcome = attempt(content.Repository([{f"{name}/config": b"[core]\n\tfsmonitor = touch /tmp/owned\n", "a": b"1"}]))
    assert outcome.status == "refused", outcome
    assert not clone_folder.exists()


def test_hooks_and_programs_do_not_run(attempt: Try, clone_folder: Path, folder: Path) -> None:
    program = Executable(b"#!/bin/sh\ntouch %s/outside/owned\n" % str(folder).encode())
    hooks: content.Files = {"hooks/post-checkout": program, "evil": program}
    files = {**hooks, ".gitattributes": b"* filter=evil\n", "a.txt": b"1"}
    assert attempt(content.Repository([files])).status == "cloned"
    assert attempt(content.Repository([{**files, "a.txt": b"2"}])).status == "updated"


@pytest.mark.parametrize(
    "broken",
    [
        b"version https://git-lfs.github.com/spec/v1\noid sha256:../../../../outside/x\nsize 12\n" + b" " * 60,
        b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize -12\n",
        b"version https://git-lfs.github.com/spec/v1\next-0-x sha256:" + b"0" * 64 + b"\nsize 1\n",
    ],
)
def test_a_broken_pointer_is_a_small_file(attempt: Try, clone_folder: Path, broken: bytes) -> None:
    files: content.Files = {".gitattributes": ATTRIBUTES, "w.bin": Large(b"", pointer=broken)}
    assert attempt(content.Repository([files])).status == "cloned"
    assert (clone_folder / "w.bin").read_bytes() == broken


@pytest.mark.parametrize("body", ["not the weights", "x" * len(WEIGHTS.body)])
def test_an_object_with_the_wrong_content(attempt: Try, clone_folder: Path, hubs: Hubs, body: str) -> None:
    repository = content.Repository([{".gitattributes": ATTRIBUTES, "w.bin": WEIGHTS}])
    hubs.faults.add("^/_lfs/", status=200, body=body)
    outcome = attempt(repository)
    assert outcome.status == "partial"
    assert (clone_folder / "w.bin").read_bytes() == WEIGHTS.as_pointer()


@pytest.mark.parametrize(
    "url",
    [
        "ext::sh -c touch% /tmp/owned",
        "--upload-pack=touch /tmp/owned",
        "-oProxyCommand=touch",
        "file:///etc",
        "ssh://-oProxyCommand=touch/x",
        "http://-x/y",
        "https://user:secret@example.org/x",
        "https://example.org/x y",
        "https://example.org/x\ny",
        "https:///x",
        "https://[::1/x",
        "../x",
        "",
    ],
)
def test_urls_that_git_is_not_given(url: str) -> None:
    with pytest.raises(Refused):
        check_url(url, ("http", "https"))


def test_a_redirect_to_another_protocol(attempt: Try, hubs: Hubs) -> None:
    hubs.faults.add("info/refs", status=302, headers={"Location": "file:///etc/info/refs?service=git-upload-pack"})
    assert attempt(content.Repository([{"a": b"1"}])).status in ("failed", "refused")


def test_two_paths_that_differ_in_case(attempt: Try, clone_folder: Path) -> None:
    files: content.Files = {
        ".gitattributes": ATTRIBUTES,
        "Model.bin": WEIGHTS,
        "model.bin": Large(b"other"),
        "A/x": b"1",
        "a/x": b"2",
    }
    assert attempt(content.Repository([files])).status == "cloned"
    assert (clone_folder / "Model.bin").read_bytes() == WEIGHTS.body
    assert (clone_folder / "model.bin").read_bytes() == b"other"
    assert ((clone_folder / "A" / "x").read_bytes(), (clone_folder / "a" / "x").read_bytes()) == (b"1", b"2")
    assert git(clone_folder, "status", "--porcelain") == ""


@pytest.mark.slow
def test_a_folder_of_100_000_entries(attempt: Try, clone_folder: Path) -> None:
    names = [f"many/{number}.bin" for number in range(100_000)]
    files: content.Files = {".gitattributes": ATTRIBUTES, **dict.fromkeys(names, b""), "w.bin": WEIGHTS}
    outcome = attempt(content.Repository([files]))
    assert outcome.status == "cloned"
    assert sum(1 for _ in (clone_folder / "many").iterdir()) == 100_000
    assert (clone_folder / "w.bin").read_bytes() == WEIGHTS.body


@pytest.mark.parametrize("size", [1, 10**17])
def test_a_pointer_that_lies_about_its_size(attempt: Try, clone_folder: Path, hubs: Hubs, size: int) -> None:
    lie = pointer(WEIGHTS.oid, size)
    files: content.Files = {
        ".gitattributes": ATTRIBUTES,
        "w.bin": Large(WEIGHTS.body, pointer=lie),
        "x.bin": Large(b"honest"),
    }
    outcome = attempt(content.Repository([files]))
    assert outcome.status == "partial"
    assert "1 LFS file is unavailable" in str(outcome.error)
    assert (clone_folder / "w.bin").read_bytes() == lie
    assert (clone_folder / "x.bin").read_bytes() == b"honest"
    assert len(hubs.asked("^/_lfs/")) < 20


def test_a_pointer_that_lies_takes_nothing_from_one_that_does_not(
    attempt: Try, clone_folder: Path, folder: Path
) -> None:
    honest: content.Files = {".gitattributes": ATTRIBUTES, "w.bin": WEIGHTS}
    assert attempt(content.Repository([honest])).status == "cloned"
    lie = Large(WEIGHTS.body, pointer=pointer(WEIGHTS.oid, 1))
    assert attempt(content.Repository([{**honest, "lie.bin": lie}])).status == "partial"
    assert (clone_folder / "w.bin").read_bytes() == WEIGHTS.body
    stored = folder / "tree" / "lfs" / "objects" / WEIGHTS.oid[:2] / WEIGHTS.oid[2:4] / WEIGHTS.oid
    assert stored.read_bytes() == WEIGHTS.body


def test_patterns_that_fit_in_many_ways(attempt: Try, clone_folder: Path) -> None:
    files: dict[str, made.File] = {
        ".gitattributes": ATTRIBUTES,
        ".lfsconfig": b"[lfs]\n\tfetchexclude = " + b"*a" * 40 + b"*b, [z-a], left-*.bin\n",
        "a" * 200 + ".bin": WEIGHTS,
        "left-out.bin": Large(b"left out"),
    }
    outcome = attempt(content.Repository([files]))
    assert (outcome.status, outcome.lfs_objects, outcome.lfs_skipped) == ("cloned", 1, 1)
    assert (clone_folder / ("a" * 200 + ".bin")).read_bytes() == WEIGHTS.body


@pytest.mark.parametrize("redirects", [False, True])
def test_a_login_that_is_always_refused(attempt: Try, clone_folder: Path, hubs: Hubs, redirects: bool) -> None:
    """git-lfs 3.3 requests such an object again, at once and endlessly."""
    closed = Large(b"closed " * 5000)
    files: content.Files = {".gitattributes": ATTRIBUTES, "open.bin": WEIGHTS, "closed.bin": closed}
    answer = {"status": 307, "headers": {"Location": f"{hubs.url}/closed"}} if redirects else {"status": 401}
    hubs.faults.add(f"^/_lfs/{closed.oid}", **answer)
    hubs.faults.add("^/closed", status=401)
    outcome = attempt(content.Repository([files]))
    assert outcome.status == "partial"
    assert "denies access to them" in str(outcome.error)
    assert len(hubs.asked(f"^/_lfs/{closed.oid}|^/closed")) < 200
    assert (clone_folder / "open.bin").read_bytes() == WEIGHTS.body


def nested(depth: int) -> content.Repository:
    """Return 10^`depth` empty files, which take a few hundred bytes to send."""

    class Nested(content.Repository):
        def objects(self) -> tuple[str | None, made.Objects]:
            head, objects = super().objects()
            inner = made.tree({str(number): b"" for number in range(10)}, objects, {})
            for _ in range(depth - 1):
                inner = made.folder({str(number): inner for number in range(10)}, objects)
            return made.commit(inner, head, 1, objects), objects

    return Nested([{"README.md": b"harmless"}])


def test_files_without_end_in_an_update(attempt: Try, clone_folder: Path) -> None:
    assert attempt(content.Repository([{"README.md": b"harmless"}])).status == "cloned"
    outcome = attempt(nested(6))
    assert outcome.status == "refused"
    assert "files and folders" in str(outcome.error)
    assert (clone_folder / "README.md").read_bytes() == b"harmless"


@pytest.mark.parametrize("branch", ["-x", "HEAD"])
def test_branch_names_with_another_meaning_for_git(attempt: Try, clone_folder: Path, branch: str) -> None:
    assert attempt(content.Repository([{"a": b"1"}], branch=branch)).status == "cloned"
    assert attempt(content.Repository([{"a": b"1"}, {"a": b"2"}], branch=branch)).status == "updated"
    assert (clone_folder / "a").read_bytes() == b"2"
    assert git(clone_folder, "status", "--porcelain") == ""


def test_settings_that_outlive_the_clone(attempt: Try, clone_folder: Path) -> None:
    attempt(content.Repository([{"a": b"1"}]))
    said = git(clone_folder, "config", "--local", "--list").splitlines()
    assert set(said) > {
        "core.hookspath=/dev/null",
        "core.symlinks=false",
        "core.fsmonitor=false",
        "submodule.recurse=false",
        "fetch.recursesubmodules=false",
        "transfer.fsckobjects=true",
        "transfer.bundleuri=false",
    }
