"""Check of the disk space for a package or an import, before anything is written."""

import contextlib
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import orjson

from ptmtorrent_scrapy.catalog import CollectedHub
from ptmtorrent_scrapy.formats.sizes import human
from ptmtorrent_scrapy.publication.bag import MANIFEST, CannotStart, read_info
from ptmtorrent_scrapy.publication.files import can_link
from ptmtorrent_scrapy.publication.git_folder import files_below
from ptmtorrent_scrapy.publication.options import PackageOptions
from ptmtorrent_scrapy.publication.packing import INDEX
from ptmtorrent_scrapy.publication.repositories import Repositories


def check_space(bag: Path, hubs: Sequence[CollectedHub], repositories: Repositories, options: PackageOptions) -> bool:
    """Return whether files can be linked into the bag. Raise `CannotStart` if the disk is too full."""
    probe = next(files_below(hubs[0].folder / "json"), None)
    may_link = probe is not None and can_link(probe, bag)
    needed = _needed(bag, hubs, repositories, options, may_link=may_link)
    free = shutil.disk_usage(bag).free - options.min_free
    if needed > free:
        room = f"{options.output.parent} has room for {human(max(free, 0))}"
        raise CannotStart(f"{room}, the package needs about {human(needed)}; name a larger disk with -o")
    return may_link


def check_import_space(package: Path, folder: Path, *, min_free: int) -> None:
    """Raise `CannotStart` if the disk of a folder has too little space for an import."""
    needed = sum(_packed_sizes(package))
    if not can_link(package / MANIFEST, folder):
        oxum = read_info(package / "bag-info.txt").get("Payload-Oxum", "").partition(".")[0]
        needed += int(oxum) if oxum.isascii() and oxum.isdecimal() else 0
    free = shutil.disk_usage(folder).free - min_free
    if needed > free:
        room = f"{folder.parent} has room for {human(max(free, 0))}, the import needs about {human(needed)}"
        raise CannotStart(f"{room}; name a folder on a larger disk with -s DATA_DIR=PATH")


def _packed_sizes(package: Path) -> Iterator[int]:
    """Yield the sizes of the repositories in the volumes."""
    index = package / INDEX
    if index.is_file():
        with index.open("rb") as lines:
            for text in lines:
                line = None
                with contextlib.suppress(ValueError):
                    line = orjson.loads(text)
                if isinstance(line, dict) and "commit" in line and isinstance(line.get("size"), int):
                    yield line["size"]


def _needed(
    bag: Path, hubs: Sequence[CollectedHub], repositories: Repositories, options: PackageOptions, *, may_link: bool
) -> int:
    """Return about how many bytes must be written, without what exists already."""
    metadata = sum(_size(hub.folder / "json") for hub in hubs)
    if may_link and options.volume_size is None:
        return metadata
    stores = {hub.name: hub.tree.store for hub in hubs}
    chosen = repositories.chosen_bytes()
    large = sum(min(bytes_, _size(stores[hub])) for hub, _, bytes_ in chosen)  # a shared file is counted once
    weights = 0 if options.without_weights else large
    return max(metadata + sum(git for _, git, _ in chosen) + weights - _size(bag), 0)


def _size(folder: Path) -> int:
    """Return the bytes of the files below a folder."""
    return sum(file.stat().st_size for file in files_below(folder))
