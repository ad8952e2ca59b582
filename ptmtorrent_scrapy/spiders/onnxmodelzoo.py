"""ONNX Model Zoo: the hub is a repository; its pages, its manifest and its statistics are read from the clone.

https://github.com/onnx/models
"""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, Self

import orjson
from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.http import Response

from ptmtorrent_scrapy.crawl.pages import PageFailed
from ptmtorrent_scrapy.formats.raw_json import elements
from ptmtorrent_scrapy.formats.repository_urls import comparable, owner_and_name
from ptmtorrent_scrapy.git.lfs.pointers import parse
from ptmtorrent_scrapy.items import Metadata, Model, RawPage, RejectedModel
from ptmtorrent_scrapy.parsers.onnx_models import OnnxModels, manifest_path
from ptmtorrent_scrapy.parsers.onnx_pages import folder_page, hub_page, page_files, read_statistics
from ptmtorrent_scrapy.spiders.base import HubSpider
from ptmtorrent_scrapy.spiders.fetching import map_ordered, text

_CLASSES, _MANIFEST, _UNVALIDATED = "omz_metadata.json", "omz_manifest.json", "omz_unvalidated_metadata.json"
_PAGE_BYTES = 1 << 18  # ten times the largest one; the worst Markdown of that size takes seconds
_MANIFEST_BYTES = 1 << 26

Item = RawPage | Metadata | Model | RejectedModel


class OnnxModelZooSpider(HubSpider):
    name = "onnxmodelzoo"
    hub = "ONNX Model Zoo"
    model_hub_name = "Onnx Model Zoo"
    metadata = "omz_models_metadata.json"
    raw_pages = ("json/metadata/omz_*.json", "html/metadata/README_models.html", "html/metadata/models/README_*.html")
    selects = ("fraction",)  # the hub is one repository: there is nothing to choose
    url_settings = ("ONNXMODELZOO_REPOSITORY",)
    repository_settings = url_settings
    full_name: str  # OWNER/NAME of the repository
    repository: Path  # its clone
    commits: dict[str, str]  # the last commit of each file and folder
    zoo: OnnxModels

    @classmethod
    def from_crawler(cls, crawler: Crawler, *args: Any, **kwargs: Any) -> Self:
        spider = super().from_crawler(crawler, *args, **kwargs)
        spider.hub_url = comparable(crawler.settings["ONNXMODELZOO_REPOSITORY"])
        return spider

    async def start(self) -> AsyncIterator[Request]:
        named = owner_and_name(self.hub_url)
        if named is None:
            self.listing_failed(f"{self.hub_url} names no repository")
            return
        self.full_name = "/".join(named)
        clone = await self.clone(self.hub_url, self.full_name)
        self.commits = await self.last_commits(clone) if clone else {}
        if clone and self.commits:
            self.repository = clone
            url = (clone / "README.md").as_uri()
            yield self.request(url, self.parse, meta={"download_maxsize": _PAGE_BYTES, "dont_retry": True})

    async def parse(self, response: Response) -> AsyncIterator[Item]:
        """Yield the pages and models of the hub's README and the other files of the repository."""
        pages = page_files(self.folders_with("README.md"))
        try:
            readme, classes = await self.parsed(hub_page, text(response), self.full_name, pages)
        except PageFailed as why:
            self.page_failed(response.url, why)
            return
        yield RawPage(path="html/metadata/README_models.html", body=readme.encode())
        for number, each in enumerate(classes):
            yield described({"id": number, **each.described}, _CLASSES)
        manifest = await self.manifest()
        self.zoo = OnnxModels(self.hub_url, self.commits, classes, manifest, await self.hashes(manifest))
        async for item in self.models_of_pages(pages):
            yield item
        for entry in manifest:
            for item in [entry] if self.zoo.is_named(entry.value) else self.models([entry]):
                yield item
        async for metadata in map_ordered(map(self.statistics, self.folders_with("turnkey_stats.yaml"))):
            for item in self.models([metadata] if metadata else []):
                yield item

    async def models_of_pages(self, pages: Mapping[str, str]) -> AsyncIterator[Item]:
        """Yield the pages of folders, given with their paths, and the models in the rows of their tables."""
        rows = 0
        async for folder, html, listed, papers in map_ordered(map(self.page, pages)):
            if html is None:
                continue
            yield RawPage(path=pages[folder], body=html.encode())
            self.zoo.add_papers(folder, papers)
            for row in listed:
                yield self.zoo.of_row(described(self.zoo.row(rows, row, folder), self.metadata), folder)
                rows += 1

    async def hashes(self, manifest: list[Metadata]) -> dict[str, str]:
        """Return the SHA-256 of the models by path, from their pointers; empty if all paths of the manifest exist."""
        named = (manifest_path(entry.value) for entry in manifest)
        if not any(path and path not in self.commits for path in named):
            return {}
        files = await self.contents(self.repository, [path for path in self.commits if path.endswith(".onnx")])
        return {path: pointer.oid for path, content in files.items() if (pointer := parse(content))}

    def folders_with(self, name: str) -> list[str]:
        """Return the folders of the repository that have a file of this name."""
        return sorted(path.removesuffix(f"/{name}") for path in self.commits if path.endswith(f"/{name}"))

    async def file(self, path: str, largest: int = _PAGE_BYTES) -> str | None:
        """Return the text of a file of the repository; None, and a warning, if it cannot be read."""
        meta = {"download_maxsize": largest, "dont_retry": True}
        request = Request((self.repository / path).as_uri(), dont_filter=True, meta=meta)
        try:
            return text(await self.fetch(request))
        except PageFailed as why:
            self.logger.warning("%s cannot be read and is skipped: %s", path, why)
            return None

    async def page(self, folder: str) -> tuple[str, str | None, list[dict[str, str]], list[str]]:
        """Return the folder, and the HTML, rows and papers of its page; no HTML if it cannot be read."""
        markdown = await self.file(f"{folder}/README.md")
        try:
            if markdown is not None:
                return folder, *await self.parsed(folder_page, markdown, folder, self.full_name)
        except PageFailed as why:
            self.logger.warning("%s/README.md is skipped: %s", folder, why)
        return folder, None, [], []

    async def manifest(self) -> list[Metadata]:
        """Return the entries of the manifest; none, and a warning, if it cannot be read."""
        listed = await self.file("ONNX_HUB_MANIFEST.json", _MANIFEST_BYTES)
        try:
            return [Metadata(entry.text, entry.value, _MANIFEST) for entry in elements(listed or "[]")]
        except (ValueError, RecursionError) as error:
            self.logger.warning("ONNX_HUB_MANIFEST.json is not a JSON array and is skipped: %s", error)
            return []

    async def statistics(self, folder: str) -> Metadata | None:
        """Return the object of a folder with statistics; None, and a warning, if its file cannot be read."""
        written = await self.file(f"{folder}/turnkey_stats.yaml")
        if written is None:
            return None
        try:
            return described(await self.parsed(read_statistics, written, folder), _UNVALIDATED)
        except PageFailed as why:
            return described({"path": folder, "problem": str(why)}, _UNVALIDATED)

    def model(self, metadata: Metadata) -> Model:
        """Return the model of a manifest entry, or of a folder with statistics."""
        of = self.zoo.of_statistics if metadata.file == _UNVALIDATED else self.zoo.of_entry
        return of(metadata)


def described(value: dict[str, Any], file: str) -> Metadata:
    return Metadata(orjson.dumps(value).decode(), value, file)
