"""Build, check and write the records."""

import asyncio
import contextlib
import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import IO, Any, Self

import orjson
from scrapy.crawler import Crawler
from scrapy.statscollectors import StatsCollector

from ptmtorrent_scrapy.crawl.session import CrawlSession
from ptmtorrent_scrapy.git import local
from ptmtorrent_scrapy.items import Dataset, Metadata, Model, RejectedModel
from ptmtorrent_scrapy.records.datasets import ListedDatasets
from ptmtorrent_scrapy.records.record import RecordHub, record, with_clone
from ptmtorrent_scrapy.records.validator import Validator
from ptmtorrent_scrapy.storage.atomic import AtomicFile, JsonArrayFile
from ptmtorrent_scrapy.storage.tree import DataTree

_ID = b'{"id":0,'  # beginning of a record without its final id
_PENDING, _REJECTED = b"?", b"-"  # beginnings of other lines of the spool
_REPOSITORY = re.compile(rb'"ModelRepositoryURL":"([^"]+)"')  # in a record: quotes within strings are escaped
_HAS_PATH = b'"ModelRepositoryPath":"'


class RecordPipeline:
    """Pipeline that makes a record of each model, or a line with the reason for its rejection.

    Until they are written, records wait in a spool, in the order of the listing. A model that needs its commit or
    other fields from its repository waits there until the repository was cloned or asked.
    """

    def __init__(self, crawl: CrawlSession, stats: StatsCollector) -> None:
        self.crawl = crawl
        self.stats = stats
        self._hubs: dict[str | None, RecordHub] = {}  # by metadata file
        self._validator = Validator()
        self._spool: IO[bytes] | None = None
        self.pending = 0  # models that wait for their repository
        self.ready = 0  # records and rejections that do not wait
        self._datasets: ListedDatasets | None = None  # the hub's datasets, for names on model cards
        self._clones: bytes | None = None  # digest of the clones in the last written records
        self._prepared: tuple[bytes, int, dict[str, int]] | None = None  # digest, records, rejections by reason
        crawl.checkpointed["records"] = self

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        assert crawler.stats is not None
        return cls(CrawlSession.of(crawler), crawler.stats)

    async def open_spider(self) -> None:
        """Read the datasets of the hub if the same data tree has a listing of them."""
        spider, root = self.crawl.spider, self.crawl.tree.root
        if spider.datasets is None or not spider.has_records:
            return
        hub, name = spider.datasets
        listed = DataTree(root, hub).page(f"json/metadata/{name}")
        if listed.is_file():
            self._datasets = await asyncio.to_thread(ListedDatasets, listed, spider.dataset_papers)

    def process_item(self, item: Any) -> Any:
        for doubt in item.doubts if isinstance(item, Model) else ():
            self.stats.inc_value(f"listing/doubts/{doubt}")
        if isinstance(item, Model) and item.datasets and self._datasets:
            self._check_datasets(item, self._datasets)
        if isinstance(item, RejectedModel):
            self._add(_rejection(item.name, item.position, item.reason, item.detail))
        elif isinstance(item, Model) and not self.crawl.spider.has_records:
            self.ready += 1
        elif isinstance(item, Model) and item.repository and (item.commit is None or self.crawl.spider.clone_files):
            self._add(_PENDING + orjson.dumps(replace(item, metadata=Metadata("", None, item.metadata.file))))
        elif isinstance(item, Model):
            self._add(self._finished(item))
        return item

    def _check_datasets(self, model: Model, listed: ListedDatasets) -> None:
        """Set the papers of a model's datasets, and count those of this hub that it does not list."""
        for dataset in model.datasets:
            if self.crawl.spider.is_own_dataset(dataset) and not listed.check(dataset):
                self.stats.inc_value("listing/unlisted_datasets")

    def _add(self, line: bytes) -> None:
        if self._spool is None:
            self._spool = self.crawl.tree.spool.open("w+b")
        if line.startswith(_PENDING):
            self.pending += 1
        else:
            self.ready += 1
        self._spool.write(line + b"\n")

    def _finished(self, model: Model, problem: str | None = None) -> bytes:
        """Return the record of a model as a line, or its rejection."""
        if model.commit is None:
            return _rejection(model.name, model.position, "no commit", problem or "the hub gives none")
        built = record(model, self._hub(model.metadata.file))
        if model.within and (path := self._clone_path(model.within)):
            built = with_clone(built, path, None)
        if wrong := self._validator.problem(built):
            return _rejection(model.name, model.position, "invalid record", wrong)
        return orjson.dumps(built)

    def _hub(self, file: str | None) -> RecordHub:
        if file not in self._hubs:
            self._hubs[file] = self.crawl.spider.record_hub(self.crawl.tree, file)
        return self._hubs[file]

    def prepare(self, *, last: bool) -> tuple[JsonArrayFile | None, AtomicFile]:
        """Write new records and rejections next to the old ones; no records for a hub without records.

        Waiting models are included only the last time. It takes microseconds per model: call it in a thread.
        """
        records = JsonArrayFile(self.crawl.tree.records) if self.crawl.spider.has_records else None
        rejected = AtomicFile(self.crawl.tree.rejected)
        reasons: dict[str, int] = {}
        clones = self._digest()
        try:
            for line in self._lines(last):
                if line.startswith(_REJECTED):
                    rejected.file.write(line[1:] + b"\n")
                    reason = orjson.loads(line[1:])["reason"]
                    reasons[reason] = reasons.get(reason, 0) + 1
                elif records is not None:
                    records.append(b'{"id":%d,' % records.length + line.removeprefix(_ID))
        except BaseException:
            if records is not None:
                records.abandon()
            rejected.abandon()
            raise
        self._prepared = clones, 0 if records is None else records.length, reasons
        return records, rejected

    def published(self) -> None:
        """Note that the files that were prepared have replaced the old ones."""
        assert self._prepared is not None
        self._clones, written, reasons = self._prepared
        if self.crawl.spider.has_records:
            self.stats.set_value("record/written", written)
        for reason, models in reasons.items():
            self.stats.set_value(f"record/rejected/{reason}", models)

    def is_outdated(self) -> bool:
        """Return whether the clones have changed since the records were written; reads one line per clone."""
        has_records = self.crawl.spider.has_records and self._clones is not None
        return has_records and self._clones != self._digest()

    def _digest(self) -> bytes:
        digest = hashlib.blake2b(digest_size=16)
        for path, line in self.crawl.listing.clones():
            digest.update(orjson.dumps([path, orjson.loads(line).get("commit")]))
        return digest.digest()

    def _with_clone(self, line: bytes) -> bytes:
        """Return a line of the spool; add path and size of the clone to a record."""
        url = None if line.startswith(_REJECTED) or _HAS_PATH in line else _REPOSITORY.search(line)
        path = self._clone_path(orjson.loads(b'"' + url[1] + b'"')) if url else None
        if path is None:
            return line
        size = (local.state(self.crawl.tree.folder / path) or {}).get("bytes")
        return orjson.dumps(with_clone(orjson.loads(line), path, size))

    def _clone_path(self, url: str) -> str | None:
        """Return the path of a repository's clone below the hub's folder; None if it does not exist."""
        path = self.crawl.listing.clone_path(url)
        return path if path and (self.crawl.tree.folder / path / ".git").is_dir() else None

    def _lines(self, last: bool) -> Iterator[bytes]:
        """Yield the records and rejections of the spool; the last time also those of the waiting models."""
        if self._spool is None:
            return
        self._spool.flush()
        self._spool.seek(0)
        for line in self._spool:
            if not line.startswith(_PENDING):
                yield self._with_clone(line[:-1])
            elif last:
                model = _model(orjson.loads(line[1:]))
                commit, problem, files = self.crawl.listing.found(model.repository or "")
                model = self.crawl.spider.with_clone(replace(model, commit=commit or model.commit), _files(files))
                yield self._with_clone(self._finished(model, problem))

    def save(self) -> dict[str, Any]:
        size = 0
        if self._spool is not None:
            size = self._spool.seek(0, os.SEEK_END)
            self._spool.flush()
            os.fsync(self._spool.fileno())
        return {"pending": self.pending, "ready": self.ready, "size": size}

    def can_restore(self, saved: Mapping[str, Any], *, complete: bool) -> bool:
        spool = self.crawl.tree.spool
        return not saved["size"] or (spool.is_file() and spool.stat().st_size >= saved["size"])

    def restore(self, saved: Mapping[str, Any]) -> None:
        self.pending, self.ready = saved["pending"], saved["ready"]
        if saved["size"]:
            self._spool = self.crawl.tree.spool.open("r+b")
            self._spool.truncate(saved["size"])
            self._spool.seek(0, os.SEEK_END)

    async def close_spider(self) -> None:
        await self.crawl.settled()
        if self._datasets:
            self._datasets.close()
        if self._spool is not None:
            with contextlib.suppress(OSError):  # of a full disk: what was saved exists
                self._spool.close()
            if not self.crawl.is_resumable:
                self.crawl.tree.spool.unlink(missing_ok=True)


def _rejection(name: str | None, position: int | None, reason: str, detail: str) -> bytes:
    line = {"name": name, "position": position, "reason": reason, "detail": detail}
    return _REJECTED + orjson.dumps(line)


def _model(values: dict[str, Any]) -> Model:
    datasets = [Dataset(**dataset) for dataset in values.pop("datasets")]
    return Model(**{**values, "metadata": Metadata(**values["metadata"]), "datasets": datasets})


def _files(found: bytes | None) -> dict[str, bytes]:
    return {name: content.encode() for name, content in orjson.loads(found or b"{}").items()}
