"""Make a bag from a data tree: files are linked if possible, and an interrupted command continues."""

import hashlib
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import orjson

from ptmtorrent_scrapy import __version__
from ptmtorrent_scrapy.catalog import Catalog, CollectedHub
from ptmtorrent_scrapy.formats.sizes import human
from ptmtorrent_scrapy.publication import bag, crate, files
from ptmtorrent_scrapy.publication.bag import BagError
from ptmtorrent_scrapy.publication.chosen_clones import ChosenClones
from ptmtorrent_scrapy.publication.clones import Clones
from ptmtorrent_scrapy.publication.description import Description, described_hub, license_counts
from ptmtorrent_scrapy.publication.disk_space import check_space
from ptmtorrent_scrapy.publication.files import Entry
from ptmtorrent_scrapy.publication.git_folder import files_below
from ptmtorrent_scrapy.publication.metadata_files import MetadataFiles
from ptmtorrent_scrapy.publication.options import HubSource, PackageOptions
from ptmtorrent_scrapy.publication.packing import Packing
from ptmtorrent_scrapy.publication.payload import Payload
from ptmtorrent_scrapy.publication.repositories import PackagedRepository, Repositories
from ptmtorrent_scrapy.publication.repository_facts import RepositoryFacts
from ptmtorrent_scrapy.publication.tags import write_tags
from ptmtorrent_scrapy.publication.workspace import Workspace
from ptmtorrent_scrapy.storage.tree import is_work

Advance = Callable[[str, int, int | None], object]  # called with activity, number done, total
_AHEAD = 4  # waiting files per worker


class Packaging:
    """Writes one package of hubs of a tree, which the caller has locked."""

    def __init__(
        self,
        root: Path,
        hubs: Sequence[tuple[CollectedHub, HubSource]],
        options: PackageOptions,
        *,
        advance: Advance = lambda *_: None,
        report: Callable[[str], object] = lambda _: None,
    ) -> None:
        """Prepare it; `report` receives lines for the user."""
        self._root = root
        self._hubs = hubs
        self._options = options
        self._advance = advance
        self._report = report
        self._work = Workspace(options.output)
        self._sources = {source.name: source for _, source in hubs}

    def write(self, verify: Callable[[], object] = lambda: None) -> Description:
        """Write the package; return its description.

        `verify` is called once it is known that the package can be written; its errors end the packaging.
        Raise `BagError`, `GitError`, `UnknownRepository`, `OSError`.
        """
        with self._work.open():
            repositories = Repositories(self._work.database)
            for hub, _ in self._hubs:
                RepositoryFacts(repositories, self._advance).read(hub)
            repositories.choose(named=self._options.named, licenses=self._options.licenses)
            self._work.begin(self._fingerprint(repositories))
            hubs = [hub for hub, _ in self._hubs]
            may_link = check_space(self._work.bag, hubs, repositories, self._options)
            verify()
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
                payload.add(self._shown(MetadataFiles(hub, repositories, self._work.scratch).entries()))
            payload.add(self._derived(repositories))
            self._add_clones(repositories, payload, pool)
            description = self._description(repositories, payload)
            payload.add([files.of_text(f"data/{crate.NAME}", crate.crate(description, self._work.bag / "data"))])
        self._check_files(payload)
        write_tags(description, self._work.bag, self._work.database)
        return description

    def _shown(self, entries: Iterable[Entry]) -> Iterator[Entry]:
        """Yield metadata files, and show their number, since a large one takes a while."""
        self._advance("metadata files", 0, None)
        for number, entry in enumerate(entries, 1):
            yield entry
            self._advance("metadata files", number, None)

    def _derived(self, repositories: Repositories) -> Iterator[Entry]:
        """Yield exports and report, unless they mention models or hubs that are not in the package."""
        if any(repositories.private(hub.name) for hub, _ in self._hubs):
            self._report("exports/, report/ and snapshots/ are not packaged: they may name private models")
            return
        if {hub.name for hub in Catalog(self._root).hubs()} != self._sources.keys():
            self._report("exports/ and report/ are not packaged: they also cover other hubs")
            return
        for folder in ("exports", "report"):
            for file in files_below(self._root / folder):
                path = f"data/{folder}/{file.relative_to(self._root / folder).as_posix()}"
                if not is_work(file.name) and (entry := files.of_file(path, file, is_final=True)):
                    yield entry

    def _add_clones(self, repositories: Repositories, payload: Payload, pool: ThreadPoolExecutor) -> None:
        size = self._options.volume_size
        as_pointers = size is None or self._options.without_weights
        lister = Clones(lambda hub: self._sources[hub].git, self._work.scratch, as_pointers=as_pointers)
        chosen = ChosenClones(
            self._root,
            lister,
            payload,
            self._options,
            file_url=self._file_url,
            advance=self._advance,
            report=self._report,
        )
        clones = chosen.all(repositories, self._work.database, pool)
        if size is None:
            for clone in clones:
                payload.add((*clone.files, *clone.objects))
            return
        packed = Packing(self._work, payload, limit=size, listed=chosen.listed, strict=self._options.strict)
        packed.add(clones, pool, self._options.workers)
        for path, bytes_ in packed.oversized:
            self._report(f"{path} has up to {human(bytes_)}, more than a volume: its volume is larger than asked for")

    def _file_url(self, repository: PackagedRepository, name: str) -> str | None:
        return self._sources[repository.hub].file_url(repository.url, repository.commit, name)

    def _description(self, repositories: Repositories, payload: Payload) -> Description:
        hubs = [described_hub(hub, source, self._work.database) for hub, source in self._hubs]
        return Description(
            options=self._options,
            version=__version__,
            hubs=hubs,
            totals=payload.totals,
            licenses=license_counts(self._work.database),
        )

    def _check_files(self, payload: Payload) -> None:
        """Raise `BagError` if the bag has files that the manifest does not name."""
        found = sum(len(names) for _, _, names in os.walk(self._work.bag / "data"))
        if found != payload.totals.files:
            shutil.rmtree(self._work.bag)
            raise BagError(f"{self._root} has changed while it was packaged; run the command again")

    def _fingerprint(self, repositories: Repositories) -> str:
        """Return a SHA-256 of everything that the package depends on: options, and status of the hubs' files."""
        options = self._options
        texts = [options.strict, options.title, options.publisher, options.license]
        chosen = [options.without_weights, options.volume_size, texts, repositories.counts()]
        people = [[creator.name, creator.orcid] for creator in options.creators]
        lists = [sorted(options.named), sorted(options.licenses or ())]
        found = hashlib.sha256(orjson.dumps([__version__, chosen, people, lists]))
        folders = [hub.folder / name for hub, _ in self._hubs for name in ("json", "html", "snapshots")]
        for folder in (*folders, self._root / "exports", self._root / "report"):
            for file in files_below(folder):
                state = file.stat()
                found.update(os.fsencode(f"{file} {state.st_size} {state.st_mtime_ns}\n"))
        return found.hexdigest()
