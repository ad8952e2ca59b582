"""Volumes: the division of clones, the archives, and the safety of untrusted archives."""

import hashlib
import io
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import zstandard

from ptmtorrent_scrapy.publication.bag import BagError
from ptmtorrent_scrapy.publication.clones import PackagedClone, object_path
from ptmtorrent_scrapy.publication.files import Entry, of_file, of_text
from ptmtorrent_scrapy.publication.repositories import PackagedRepository
from ptmtorrent_scrapy.publication.unpacking import checked, unpack
from ptmtorrent_scrapy.publication.volumes import Volume, VolumeWriter, bound, divided


def clone(folder: Path, name: str, size: int, hub: str = "hub") -> PackagedClone:
    """Return a clone with one large file of that size, random so that nothing is compressed."""
    body = hashlib.shake_128(name.encode()).digest(size)
    oid = hashlib.sha256(body).hexdigest()
    stored = folder / oid
    stored.write_bytes(body)
    entry = of_file(object_path(hub, oid), stored, oid=oid)
    assert entry is not None
    repository = PackagedRepository(
        hub, f"o/{name}", f"https://hub.example/o/{name}", "0" * 40, "main", "", 0, 0, "", ""
    )
    path = f"data/{hub}/repos/o/{name}"
    files = [of_text(f"{path}/README.md", name.encode()), Entry(f"{path}/w.bin", b"", 0, link=entry.path, mode=0o444)]
    return PackagedClone(repository=repository, path=path, time=1_600_000_000, files=files, objects=[entry])


def written(folder: Path, volume: Volume, clones: list[PackagedClone]) -> Path:
    by_name = {clone.repository.folder: clone for clone in clones}
    VolumeWriter(volume, folder, listed=lambda repository: by_name[repository.folder], strict=True).write()
    return folder / f"{volume.name}.tar.zst"


def test_volumes_hold_complete_repositories_up_to_their_size(tmp_path: Path) -> None:
    sizes = [60_000, 60_000, 200_000, 10_000, 10_000]
    clones = [clone(tmp_path, str(number), size) for number, size in enumerate(sizes)]
    clones.append(clone(tmp_path, "other", 10_000, hub="other"))
    volumes = list(divided(clones, 150_000))
    assert [volume.name for volume in volumes] == ["hub-0001", "hub-0002", "hub-0003", "other-0001"]
    folders = [[repository.folder for repository, _ in volume.clones] for volume in volumes]
    assert folders == [["o/0", "o/1"], ["o/2"], ["o/3", "o/4"], ["o/other"]]
    for volume in volumes:
        assert written(tmp_path, volume, clones).stat().st_size <= volume.bound


def test_a_bound_holds_for_what_cannot_be_compressed(tmp_path: Path) -> None:
    for size in (0, 1, 511, 512, 1_000_000):
        one = clone(tmp_path, f"size-{size}", size)
        (volume,) = divided([one], 10_000_000)
        assert written(tmp_path, volume, [one]).stat().st_size <= bound(one) + 1024 + 64


def test_a_volume_is_the_same_each_time_and_tar_reads_it(tmp_path: Path) -> None:
    names = {"odd\n\\name": b"x", "\udcff": b"not UTF-8", "d" * 150 + "/" + "f" * 150: b"long"}
    one = clone(tmp_path, "one", 100_000)
    one.files += [of_text(f"{one.path}/{name}", body) for name, body in names.items()]
    (volume,) = divided([one], 1_000_000)
    path = written(tmp_path, volume, [one])
    before = path.read_bytes()
    (again,) = divided([one], 1_000_000)
    assert again.fingerprint == volume.fingerprint
    assert written(tmp_path, again, [one]).read_bytes() == before
    subprocess.run(["tar", "--zstd", "-xf", path], cwd=tmp_path, check=True)
    assert (tmp_path / one.path / "w.bin").samefile(tmp_path / one.objects[0].path)
    sums = tmp_path / "hub-0001.sha256"
    assert subprocess.run(["sha256sum", "--check", "--quiet", sums], cwd=tmp_path, check=False).returncode == 0


def test_a_file_that_changes_while_it_is_packed(tmp_path: Path) -> None:
    one = clone(tmp_path, "one", 1000)
    (volume,) = divided([one], 1_000_000)
    (tmp_path / one.objects[0].path.rpartition("/")[2]).write_bytes(b"shorter")
    with pytest.raises(BagError, match="has changed while it was packaged"):
        written(tmp_path, volume, [one])


def archive(*members: tarfile.TarInfo, body: bytes = b"") -> list[bytes]:
    """Return an archive as an attacker may make it."""
    text = io.BytesIO()
    with tarfile.open(fileobj=text, mode="w", format=tarfile.GNU_FORMAT) as made:
        for member in members:
            member.size = len(body) if member.isreg() else 0
            made.addfile(member, io.BytesIO(body))
    return [zstandard.ZstdCompressor().compress(text.getvalue())]


def member(name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> tarfile.TarInfo:
    found = tarfile.TarInfo(name)
    found.type, found.linkname = kind, target
    return found


def hostile() -> Iterator[tarfile.TarInfo]:
    """Yield members that no package has."""
    names = ("../x", "/etc/x", "data/../x", "data/hub/repos/o/../../x", "data/hub/repos/o", "data/hub/json/hub.json")
    yield from (member(name) for name in names)
    inner = (
        ".git/hooks/post-checkout",
        ".git/config.lock",
        ".git/objects/info/alternates",
        "a/.git/config",
        ".GIT/config",
    )
    yield from (member(f"data/hub/repos/o/m/{name}") for name in inner)
    yield member("data/hub/repos/.x~lock/m/README.md")
    yield member("data/hub/repos/o/m/link", tarfile.SYMTYPE, "/etc/passwd")
    yield member("data/hub/repos/o/m/link", tarfile.LNKTYPE, "/etc/passwd")
    yield member("data/hub/repos/o/m/link", tarfile.LNKTYPE, "data/hub/lfs/objects/../../../x")
    yield member("data/hub/repos/o/m/pipe", tarfile.FIFOTYPE)
    yield member(f"data/hub/lfs/objects/00/00/{'1' * 64}")


@pytest.mark.parametrize("odd", list(hostile()), ids=lambda odd: odd.name)
def test_an_archive_from_anybody(tmp_path: Path, odd: tarfile.TarInfo) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    with pytest.raises(BagError, match="has an unexpected member"):
        list(unpack(archive(odd), inner, link=True))
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_large_file_that_is_not_what_its_name_says(tmp_path: Path) -> None:
    name = object_path("hub", "0" * 64)
    with pytest.raises(BagError, match="has a damaged large file"):
        list(unpack(archive(member(name), body=b"other"), tmp_path, link=True))
    assert not (tmp_path / name).exists()


@pytest.mark.parametrize("damage", ["cut", "other"])
def test_a_damaged_archive(tmp_path: Path, damage: str) -> None:
    (piece,) = archive(member("data/hub/repos/o/m/README.md"), body=b"text" * 10_000)
    pieces = [piece[: len(piece) // 2]] if damage == "cut" else [b"no archive at all"]
    with pytest.raises(BagError):
        list(unpack(checked(pieces, hashlib.sha256(piece).hexdigest(), "volume"), tmp_path, link=True))
