"""Write the hub's object of each model, and count differences from the hub's schema."""

from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Any, Self

import jsonschema_rs
from scrapy.crawler import Crawler
from scrapy.exceptions import DropItem
from scrapy.statscollectors import StatsCollector

from ptmtorrent_scrapy.crawl.session import CrawlSession
from ptmtorrent_scrapy.items import Metadata, Model, RejectedModel
from ptmtorrent_scrapy.records.validator import schema
from ptmtorrent_scrapy.storage.atomic import JsonArrayFile, beside
from ptmtorrent_scrapy.storage.tree import UnusableName, check_folder

_FIELDS_COUNTED = 100  # different departures counted by name; further ones are counted together
_JSON_TYPES = {dict: "object", list: "array", str: "string", bool: "boolean", type(None): "null"}


class MetadataPipeline:
    """Pipeline that writes objects to metadata files, sets their positions, and drops repeated models."""

    def __init__(self, crawl: CrawlSession, stats: StatsCollector) -> None:
        self.crawl = crawl
        self._count = stats.inc_value  # looked up once, since Scrapy does so by name each time
        self._schema = jsonschema_rs.validator_for(schema(crawl.spider.name))
        self._fields: set[str] = set()  # those counted by name
        self._arrays: dict[str, JsonArrayFile] = {}
        self.length = 0  # models listed so far
        crawl.checkpointed["metadata"] = self

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        assert crawler.stats is not None
        return cls(CrawlSession.of(crawler), crawler.stats)

    def process_item(self, item: Any) -> Any:
        if isinstance(item, Metadata):
            self._keep(item)
        if not isinstance(item, Model | RejectedModel):
            return item
        if isinstance(item, Model):
            item = self._listed(item)
        item.position = self._keep(item.metadata)
        self.length += 1
        self._count("listing/models")
        return item

    def _keep(self, metadata: Metadata) -> int:
        """Write the object to its file, and return its position there."""
        for field in self._departures(metadata.value):
            self._count(f"listing/departures/{field}")
        name = metadata.file or self.crawl.spider.metadata
        if name not in self._arrays:
            self._arrays[name] = JsonArrayFile(self._path(name))
        return self._arrays[name].append(metadata.text.encode("utf-8", "surrogatepass"))

    def _listed(self, model: Model) -> Model | RejectedModel:
        if model.private and not self.crawl.spider.selection.private:
            self._count("listing/private")
            raise DropItem(f"{model.name} is private")
        try:
            if model.folder is not None:
                check_folder(model.folder)
        except UnusableName as error:
            return RejectedModel(
                metadata=model.metadata,
                reason="unusable name",
                detail=str(error),
                name=model.name,
                repository=model.repository,
            )
        selection = self.crawl.spider.selection
        self.crawl.matches.see(model)
        if not self.crawl.listing.add(model, wanted=selection.wants(model), rank=selection.rank(model)):
            self._count("listing/repeated")
            raise DropItem(f"{model.name} was listed before")
        return model

    def _departures(self, value: Any) -> set[str]:
        """Return the differences of an object from its hub's schema."""
        try:
            if self._schema.is_valid(value):
                return set()
            found = {field for error in self._schema.iter_errors(value) for field in _fields(error)}
        except ValueError as error:  # nested too deep, or a lone surrogate
            found = {f"model cannot be checked: {type(error).__name__}"}
        new = found - self._fields
        self._fields.update(islice(new, _FIELDS_COUNTED - len(self._fields)))
        return {field if field in self._fields else "others" for field in found}

    @property
    def array(self) -> JsonArrayFile:
        """Return the file with the objects of the models."""
        return self._arrays[self.crawl.spider.metadata]

    def seal(self) -> None:
        """Complete the new files, which then only have to be renamed."""
        for array in self._arrays.values():
            array.seal()

    def commit(self) -> None:
        """Replace the old files, since the listing is complete."""
        while self._arrays:
            self._arrays.popitem()[1].commit()

    def save(self) -> dict[str, Any]:
        files = {name: [array.save(), array.length] for name, array in self._arrays.items()}
        return {"length": self.length, "fields": sorted(self._fields), "files": files}

    def can_restore(self, saved: Mapping[str, Any], *, complete: bool) -> bool:
        """Return whether the files exist; those of a complete listing may be committed already, all or none."""
        exists = [
            path.is_file() and path.stat().st_size >= size
            for name, (size, _) in saved["files"].items()
            for path in [beside(self._path(name))]
        ]
        return all(exists) or (complete and not any(exists))

    def restore(self, saved: Mapping[str, Any]) -> None:
        self.length, self._fields = saved["length"], set(saved["fields"])
        for name, (size, length) in saved["files"].items():
            if beside(self._path(name)).is_file():
                self._arrays[name] = JsonArrayFile(self._path(name), resume_at=size, length=length)

    def _path(self, name: str) -> Path:
        return self.crawl.tree.page(f"json/metadata/{name}")

    async def close_spider(self) -> None:
        await self.crawl.settled()
        for array in self._arrays.values():
            if self.crawl.is_resumable:
                array.leave()
            else:
                array.abandon()


def _fields(error: jsonschema_rs.ValidationError) -> list[str]:
    """Return which fields differ from the schema, and how: `cardData.license is a number`; positions do not count."""
    path = ".".join("[]" if isinstance(step, int) else str(step) for step in error.instance_path)
    if error.kind.name == "additionalProperties":
        return [f"{path}.{name} is new".lstrip(".")[:100] for name in error.kind.as_dict()["unexpected"]]
    if error.kind.name == "type":
        return [f"{path or 'model'} is {_JSON_TYPES.get(type(error.instance), 'number')}"[:100]]
    return [f"{path or 'model'} departs in {error.kind.name}"[:100]]
