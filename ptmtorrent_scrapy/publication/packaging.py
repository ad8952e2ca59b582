"""Makes a bag of a data tree: nothing is copied that can be linked, and a command that was killed continues."""

import hashlib
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import orjson

from ptmtorrent_scrapy import __version__
from ptmtorrent_scrapy.catalog import CollectedHub
from ptmtorrent_scrapy.formats.sizes import human
from ptmtorrent_scrapy.git.command import Command
from ptmtorrent_scrapy.git.errors import GitError
from ptmtorrent_scrapy.publication import bag, crate, files, packing
from ptmtorrent_scrapy.publication.bag import BagError, CannotStart
from ptmtorrent_scrapy.publication.clones import Clones, PackagedClone
from ptmtorrent_scrapy.publication.description import Description, described_hub, license_counts
from ptmtorrent_scrapy.publication.files import Entry
from ptmtorrent_scrapy.publication.git_folder import files_below
from ptmtorrent_scrapy.publication.metadata_files import MetadataFiles
from ptmtorrent_scrapy.publication.options import HubSource, PackageOptions
from ptmtorrent_scrapy.publication.parallel import ordered
from ptmtorrent_scrapy.publication.payload import Payload
from ptmtorrent_scrapy.publication.repositories import PackagedRepository, Repositories
from ptmtorrent_scrapy.publication.tags import write_tags
from ptmtorrent_scrapy.publication.workspace import Workspace
from ptmtorrent_scrapy.storage.tree import DataTree, is_work

Advance = Callable[[str, int, int], object]  # gets what is done, how many, of how many
_AHEAD = 4  # clones or files per worker that wait for their turn
_SEEN = """
DROP TABLE IF EXISTS seen;
CREATE TABLE seen (path TEXT PRIMARY KEY) WITHOUT ROWID;
"""


class Packaging:
    """Writes one package of hubs of a tree, which the caller has claimed."""

    def __init__(
        self,
        root: Path,
        hubs: Sequence[tuple[CollectedHub, HubSource]],
        options: PackageOptions,
        *,
        advance: Advance = lambda *_: None,
        report: Callable[[str], object] = lambda _: None,
    ) -> None:
        """`report` gets one line per thing that the user should know."""
        self._root = root
        self._hubs = hubs
        self._options = options
        self._advance = advance
        self._report = report
        self._work = Workspace(options.output)
        self._sources = {source.name: source for _, source in hubs}

    def write(self) -> Description:
        """Write the package; return what it is. Raises `BagError`, `GitError`, `UnknownRepository`, `OSError`."""
        with self._work.open():
            repositories = Repositories(self._work.database)
            for hub, _ in self._hubs:
                repositories.read(hub)
            repositories.choose(named=self._options.named, licenses=self._options.licenses)
            self._work.begin(self._fingerprint(repositories))
            may_link = self._check_space(repositories)
            with ThreadPoolExecutor(self._options.workers) as pool:
                description = self._write(repositories, pool, may_link=may_link)
            self._work.finish()
        return description

    def _write(self, repositories: Repositories, pool: ThreadPoolExecutor, *, may_link: bool) -> Description:
        with (self._work.bag / bag.MANIFEST).open("wb") as manifest, (self._work.bag / bag.FETCH).open("wb") as fetch:
            ahead = self._options.workers * _AHEAD
            payload = Payload(self._work, manifest, fetch, pool=pool, ahead=ahead, strict=self._options.strict)
            payload.may_link = may_link
            for hub, _ in self._hubs:
                payload.add(MetadataFiles(hub, repositories, self._work.scratch).entries())
            payload.add(self._derived(repositories))
            self._add_clones(repositories, payload, pool)
            description = self._description(repositories, payload)
            payload.add([files.of_text(f"data/{crate.NAME}", crate.crate(description, self._work.bag / "data"))])
        self._check_files(payload)
        write_tags(description, self._work.bag, self._work.database)
        return description

    def _derived(self, repositories: Repositories) -> Iterator[Entry]:
        """Yield exports and report, unless they name models or hubs that are not in the package."""
        if any(repositories.private(hub.name) for hub, _ in self._hubs):
            self._report("exports/, report/ and snapshots/ stay out of the package: they may name private models")
            return
        for folder in ("exports", "report"):
            for file in files_below(self._root / folder):
                path = f"data/{folder}/{file.relative_to(self._root / folder).as_posix()}"
                if not is_work(file.name) and (entry := files.of_file(path, file, is_final=True)):
                    yield entry

    def _add_clones(self, repositories: Repositories, payload: Payload, pool: ThreadPoolExecutor) -> None:
        is_packed = self._options.volume_size is not None
        lister = Clones(self._git_of, self._work.scratch, as_pointers=not is_packed)
        clones = self._unseen(self._listed(lister, repositories, pool), payload)
        if self._options.volume_size is None:
            for clone in clones:
                payload.add(clone.files)
                payload.add(self._large_files(clone, payload))
            return
        packed = packing.Packing(
            self._work,
            payload,
            limit=self._options.volume_size,
            listed=partial(lister.packaged, self._root),
            strict=self._options.strict,
        )
        packed.add(clones, pool, self._options.workers)
        for path, size in packed.oversized:
            self._report(f"{path} has up to {human(size)}, more than a volume: its volume is larger than asked for")

    def _listed(self, lister: Clones, repositories: Repositories, pool: ThreadPoolExecutor) -> Iterator[PackagedClone]:
        total = sum(count for _, excluded, count, _ in repositories.counts() if not excluded)
        listed = ordered(pool, partial(self._list, lister), repositories.chosen(), self._options.workers * _AHEAD)
        for done, (repository, clone) in enumerate(listed, 1):
            if isinstance(clone, PackagedClone):
                yield clone
            elif self._options.strict:
                raise clone
            else:
                self._report(f"{repository.hub}/{repository.folder} stays out of the package: {clone}")
            self._advance("repositories", done, total)

    def _list(
        self, lister: Clones, repository: PackagedRepository
    ) -> tuple[PackagedRepository, PackagedClone | Exception]:
        try:
            return repository, lister.packaged(self._root, repository)
        except (BagError, GitError, OSError, ValueError) as error:
            return repository, error

    def _unseen(self, clones: Iterable[PackagedClone], payload: Payload) -> Iterator[PackagedClone]:
        """Yield clones with those large files that no clone before them has."""
        self._work.database.executescript(_SEEN)
        for clone in clones:
            payload.totals.unreadable += clone.unreadable
            insert = "INSERT OR IGNORE INTO seen VALUES (?)"
            clone.objects = [
                entry for entry in clone.objects if self._work.database.execute(insert, (entry.path,)).rowcount
            ]
            yield clone

    def _large_files(self, clone: PackagedClone, payload: Payload) -> Iterator[Entry]:
        """Yield the large files that go into the bag; name the others in fetch.txt."""
        repository, source = clone.repository, self._sources[clone.repository.hub]
        for entry in clone.objects:
            name = clone.names[entry.oid or ""]
            url = source.file_url(repository.url, repository.commit, name) if self._options.without_weights else None
            if url:
                payload.fetch(url, entry)
            else:
                yield entry

    def _description(self, repositories: Repositories, payload: Payload) -> Description:
        hubs = [described_hub(hub, source, self._work.database) for hub, source in self._hubs]
        return Description(
            options=self._options,
            version=__version__,
            hubs=hubs,
            totals=payload.totals,
            licenses=license_counts(self._work.database),
        )

    def _git_of(self, hub: str) -> Command:
        return self._sources[hub].git

    def _check_files(self, payload: Payload) -> None:
        """Raise `BagError` if the bag has files that the manifest does not name."""
        found = sum(len(names) for _, _, names in os.walk(self._work.bag / "data"))
        if found != payload.totals.files:
            shutil.rmtree(self._work.bag)
            raise BagError(f"{self._root} has changed while it was packaged; run the command again")

    def _check_space(self, repositories: Repositories) -> bool:
        """Return whether files can be linked into the package. Raises `CannotStart` if the disk is too full."""
        probe = next(files_below(self._hubs[0][0].folder / "json"), None)
        may_link = probe is not None and files.can_link(probe, self._work.bag)
        needed = self._copied_bytes(repositories, may_link=may_link)
        free = shutil.disk_usage(self._work.bag).free - self._options.min_free
        if needed > free:
            room = f"{self._work.output.parent} has room for {human(max(free, 0))}"
            raise CannotStart(
                f"{room}, the package needs about {human(needed)}; name a folder on a larger disk with -o"
            )
        return may_link

    def _copied_bytes(self, repositories: Repositories, *, may_link: bool) -> int:
        """Return about how many bytes have to be written."""
        json = sum(_size(hub.folder / "json") for hub, _ in self._hubs)
        packed = self._options.volume_size is not None
        if may_link and not packed:
            return json
        chosen = list(repositories.chosen_bytes())
        large = sum(min(bytes_, _size(DataTree(self._root, hub).store)) for hub, _, bytes_ in chosen)
        already = _size(self._work.bag)
        weights = 0 if self._options.without_weights and not packed else large
        return max(json + sum(git for _, git, _ in chosen) + weights - already, 0)

    def _fingerprint(self, repositories: Repositories) -> str:
        """Return a SHA-256 of what the package depends on: options, and the states of the hubs' files."""
        options = self._options
        texts = [options.strict, options.title, options.publisher, options.license]
        chosen = [options.without_weights, options.volume_size, texts, repositories.counts()]
        people = [[creator.name, creator.orcid] for creator in options.creators]
        found = hashlib.sha256(orjson.dumps([__version__, chosen, people, sorted(options.named)]))
        folders = [hub.folder / name for hub, _ in self._hubs for name in ("json", "html", "snapshots")]
        for folder in (*folders, self._root / "exports", self._root / "report"):
            for file in files_below(folder):
                state = file.stat()
                found.update(os.fsencode(f"{file} {state.st_size} {state.st_mtime_ns}\n"))
        return found.hexdigest()


def _size(folder: Path) -> int:
    """Return the bytes of the files below a folder."""
    return sum(file.stat().st_size for file in files_below(folder))
