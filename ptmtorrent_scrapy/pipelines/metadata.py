"""Keeps what the hub said of each model, and tells where that departs from what the hub used to say."""

from typing import Any, Self

import jsonschema_rs
from scrapy.crawler import Crawler
from scrapy.exceptions import DropItem
from scrapy.statscollectors import StatsCollector

from ptmtorrent_scrapy.crawl import HubCrawl
from ptmtorrent_scrapy.items import Model, Unusable
from ptmtorrent_scrapy.record import schema
from ptmtorrent_scrapy.tree import JsonArray, UnusableName, check_folder

_FIELDS_TOLD = 100  # different departures counted by name; what comes after them is counted together


class MetadataPipeline:
    """Writes the objects of the listing to the hub's metadata file and gives each its position; a model counts once."""

    def __init__(self, crawl: HubCrawl, stats: StatsCollector) -> None:
        self.crawl = crawl
        self.stats = stats
        self._schema = jsonschema_rs.validator_for(schema(crawl.spider.name))
        self._departures: set[str] = set()
        self._array: JsonArray | None = None

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        assert crawler.stats is not None
        return cls(HubCrawl.of(crawler), crawler.stats)

    def process_item(self, item: Any) -> Any:
        if not isinstance(item, Model | Unusable):
            return item
        if isinstance(item, Model):
            item = self._listed(item)
        if self._array is None:
            self._array = JsonArray(self.crawl.tree.page(f"json/metadata/{self.crawl.spider.metadata}"))
        item.position = self._array.append(item.metadata.text.encode("utf-8", "surrogatepass"))
        self.stats.inc_value("listing/models")
        if not self._schema.is_valid(item.metadata.value):
            self._count_departures(item.metadata.value)
        return item

    def _listed(self, model: Model) -> Model | Unusable:
        try:
            if model.folder is not None:
                check_folder(model.folder)
        except UnusableName as error:
            return Unusable(
                metadata=model.metadata,
                reason="unusable name",
                detail=str(error),
                name=model.name,
                repository=model.repository,
            )
        new = self.crawl.listing.add(
            model.key,
            popularity=model.popularity,
            url=model.repository,
            folder=model.folder,
            commit=model.commit,
            gated=model.gated,
        )
        if not new:
            self.stats.inc_value("listing/repeated")
            raise DropItem(f"{model.name} was listed before")
        return model

    def _count_departures(self, value: Any) -> None:
        for field in {field for error in self._schema.iter_errors(value) for field in _departures(error)}:
            if field not in self._departures and len(self._departures) == _FIELDS_TOLD:
                field = "others"
            self._departures.add(field)
            self.stats.inc_value(f"listing/departures/{field}")

    @property
    def length(self) -> int:
        """Objects kept so far."""
        return self._array.length if self._array else 0

    def commit(self) -> None:
        """The listing is whole: its file takes its place."""
        if self._array:
            self._array.commit()
            self._array = None

    async def close_spider(self) -> None:
        await self.crawl.settled()
        if self._array:
            self._array.abandon()


_JSON_TYPES = {dict: "object", list: "array", str: "string", bool: "boolean", type(None): "null"}


def _departures(error: jsonschema_rs.ValidationError) -> list[str]:
    """Which fields depart from the schema, and how: `cardData.license is a number`; without the positions in arrays."""
    path = ".".join("[]" if isinstance(step, int) else str(step) for step in error.instance_path)
    if error.kind.name == "additionalProperties":
        return [f"{path}.{name} is new".lstrip(".")[:100] for name in error.kind.as_dict()["unexpected"]]
    if error.kind.name == "type":
        return [f"{path or 'model'} is {_JSON_TYPES.get(type(error.instance), 'number')}"[:100]]
    return [f"{path or 'model'} departs in {error.kind.name}"[:100]]
