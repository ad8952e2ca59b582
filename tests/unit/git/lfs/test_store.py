"""The store of LFS objects: its content, its checks, and claims of downloads."""

import hashlib
import os
import time
from pathlib import Path

import pytest

from ptmtorrent_scrapy.git.command import Command
from ptmtorrent_scrapy.git.errors import Stalled
from ptmtorrent_scrapy.git.lfs import claims, own_storage
from ptmtorrent_scrapy.git.lfs.pointers import Pointer
from ptmtorrent_scrapy.git.lfs.server import LfsServer
from ptmtorrent_scrapy.git.lfs.store import Store
from ptmtorrent_scrapy.network.connections import Network
from tests.trees import damage


def add(store: Store, body: bytes) -> Pointer:
    """Put an object into a store, as git-lfs does."""
    pointer = Pointer(hashlib.sha256(body).hexdigest(), len(body))
    path = store.object(pointer.oid)
    path.parent.mkdir(parents=True)
    path.write_bytes(body)
    return pointer


def bytes_read() -> int:
    """Return how many bytes this process has read."""
    return int(Path("/proc/self/io").read_text().split()[1])


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "lfs")


@pytest.mark.parametrize("keep_time", [False, True])
def test_an_object_that_was_written_after_its_check_is_checked_again(store: Store, keep_time: bool) -> None:
    good, bad = add(store, b"good"), add(store, b"bad")
    for pointer in (good, bad):
        store.note_checked(pointer.oid)
    store.set_damaged_aside([good, bad])
    assert store.missing([good, bad]) == []
    damage(store.object(bad.oid), keep_time=keep_time)
    store.set_damaged_aside([good, bad])
    assert store.missing([good, bad]) == [bad]
    by = "damaged" if keep_time else "written"
    assert [path.name for path in store.object(bad.oid).parent.iterdir()] == [f".{bad.oid}~{by}"]


@pytest.mark.parametrize("keep_time", [False, True])
@pytest.mark.parametrize("interrupted", [False, True])
def test_clones_get_back_what_the_disk_damaged_and_keep_what_was_written(
    store: Store, tmp_path: Path, keep_time: bool, interrupted: bool
) -> None:
    pointer = add(store, b"content")
    file, linked = store.object(pointer.oid), [tmp_path / "one", tmp_path / "two"]
    for path in linked:
        path.hardlink_to(file)
    store.note_checked(pointer.oid)
    damage(file, keep_time=keep_time)
    wrong = file.read_bytes()
    store.set_damaged_aside([pointer])
    file.write_bytes(b"content")
    if interrupted:  # while the content was written again
        linked[0].write_bytes(wrong[:3])
        wrong = wrong[:3]
    for _ in range(2):
        store.replace_damaged([pointer])
        assert [path.name for path in file.parent.iterdir()] == [pointer.oid]
        assert file.read_bytes() == b"content"
        assert [path.read_bytes() for path in linked] == [b"content" if keep_time else wrong] * 2
        assert [path.samefile(file) for path in linked] == [keep_time] * 2
        assert [store.was_written(pointer, path) for path in linked] == [not keep_time] * 2
    assert not keep_time or store.checks.hold([(pointer.oid, file.stat())])


def test_an_object_that_cannot_be_downloaded_again_is_put_back(store: Store) -> None:
    pointer = add(store, b"content")
    damage(store.object(pointer.oid), keep_time=False)
    store.set_aside(pointer.oid)
    assert store.missing([pointer]) == [pointer]
    store.put_back(pointer.oid)
    assert store.missing([pointer]) == []


def test_lines_of_earlier_versions_are_checks(store: Store) -> None:
    pointer = add(store, b"content")
    store.note_checked(pointer.oid)
    lines = store.path / "checked" / pointer.oid[:2]
    lines.write_bytes(lines.read_bytes().rpartition(b" ")[0] + b"\n")
    status = store.object(pointer.oid).stat()
    assert store.checks.hold([(pointer.oid, status)]) == {pointer.oid}
    assert not store.checks.is_unwritten(pointer.oid, status)


def test_an_object_that_was_not_written_is_not_read_again(store: Store) -> None:
    pointer = add(store, b"content" * 1_000_000)
    before = bytes_read()
    store.set_damaged_aside([pointer])
    assert bytes_read() - before > pointer.size
    before = bytes_read()
    store.set_damaged_aside([pointer])
    assert bytes_read() - before < pointer.size


def test_a_check_that_was_cut_off_is_no_check(store: Store) -> None:
    pointer = add(store, b"content")
    store.note_checked(pointer.oid)
    file = next((store.path / "checked").iterdir())
    file.write_bytes(file.read_bytes()[:-3])
    checked = [(pointer.oid, store.object(pointer.oid).stat())]
    assert not store.checks.hold(checked)
    store.note_checked(pointer.oid)
    store.note_checked(pointer.oid)
    assert store.checks.hold(checked)


@pytest.mark.parametrize("days", [-40, 40])  # a check in the future is none: the clock was ahead
def test_objects_that_were_checked_long_ago_are_sampled(
    store: Store, monkeypatch: pytest.MonkeyPatch, days: int
) -> None:
    pointers = [add(store, b"%d" % number) for number in range(40)]
    now = time.time()
    with monkeypatch.context() as patch:
        patch.setattr(time, "time", lambda: now + days * 86400)
        for pointer in pointers:
            store.note_checked(pointer.oid)
    for pointer in pointers:
        damage(store.object(pointer.oid), keep_time=True)
    found: set[str] = set()
    while len(found) < len(pointers):
        found.update(store.check_sample(1 << 20))
    assert found == {pointer.oid for pointer in pointers}
    assert store.missing(pointers) == pointers


def test_a_sample_reads_no_more_than_it_may(store: Store) -> None:
    for number in range(300):
        add(store, b"%d" % number * 100)
    assert store.check_sample(50) == []
    assert list((store.path / "checked").glob("*")) == []


def test_claims(store: Store, tmp_path: Path) -> None:
    one, two, three = (Pointer(str(number) * 64, 1) for number in range(3))
    with claims.claim(tmp_path, [one, two]) as first:
        assert first == [one, two]
        with claims.claim(tmp_path, [two, three]) as second:
            assert second == [three]
            with claims.claim(tmp_path, [one, two, three]) as third:
                assert third == []
        with claims.claim(tmp_path, [two, three]) as again:
            assert again == [three]
    assert list(tmp_path.iterdir()) == []


def test_a_claim_of_many_objects_takes_one_open_file(tmp_path: Path) -> None:
    wanted = [Pointer(f"{number:064x}", 1) for number in range(1000)]
    before = len(os.listdir("/proc/self/fd"))
    with claims.claim(tmp_path, wanted) as claimed:
        assert len(claimed) == 1000
        assert len(os.listdir("/proc/self/fd")) <= before + 1


def test_a_claim_of_a_process_that_was_killed(tmp_path: Path) -> None:
    pointer = Pointer("0" * 64, 1)
    (tmp_path / "1-left").write_text(f"{pointer.oid}\n")
    with claims.claim(tmp_path, [pointer]) as claimed:
        assert claimed == [pointer]
    assert list(tmp_path.iterdir()) == []


def test_what_a_clone_removes_stays_in_the_store_and_comes_back_from_a_clone(store: Store, tmp_path: Path) -> None:
    pointer = add(store, b"content")
    clone = tmp_path / "clone"
    (clone / ".git").mkdir(parents=True)
    assert own_storage.link_objects(clone, [pointer], store) == [pointer]
    assert own_storage.link_objects(clone, [pointer], store) == []
    next((clone / ".git" / "lfs" / "objects").rglob(pointer.oid)).unlink()
    assert store.has(pointer)
    own_storage.link_objects(clone, [pointer], store)
    for mode in (0o444, 0o644):
        (clone / "w.bin").unlink(missing_ok=True)
        (clone / "w.bin").write_bytes(b"content")
        (clone / "w.bin").chmod(mode)
        store.object(pointer.oid).unlink()
        own_storage.give_back(clone, {b"w.bin": pointer}, store)
        assert store.object(pointer.oid).read_bytes() == b"content"
        assert (clone / "w.bin").stat().st_mode & 0o777 == mode


def test_an_object_comes_back_from_a_clone_only_if_it_is_right(store: Store, tmp_path: Path) -> None:
    pointer = add(store, b"content")
    store.object(pointer.oid).unlink()
    (tmp_path / "w.bin").write_bytes(b"contend")
    own_storage.give_back(tmp_path, {b"w.bin": pointer}, store)
    assert not store.has(pointer)


def test_an_object_that_another_clone_completes_just_now_is_waited_for(store: Store, tmp_path: Path) -> None:
    pointer = Pointer("0" * 64, 1)
    (store.path / "incomplete").mkdir(parents=True)
    (store.path / "incomplete" / f"{pointer.oid}.part").symlink_to("gone")  # listed, and not there any more
    server = LfsServer(url="http://127.0.0.1:1", network=Network())
    git = Command(scope="test", environment={}, timeout=0)
    with claims.claim(store.path / "locks", [pointer]), pytest.raises(Stalled, match="another process fetches"):
        store.fetch([pointer], git=git, server=server, scratch=tmp_path / "scratch")
