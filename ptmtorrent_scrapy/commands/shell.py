"""`scrapy shell` with functions for the models and records of the page; it does not touch the data tree."""

import argparse
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import orjson
from scrapy.commands.shell import Command as ShellCommand
from scrapy.http import Response
from scrapy.utils.url import guess_scheme

from ptmtorrent_scrapy.commands import _common
from ptmtorrent_scrapy.commands._common import UsageError
from ptmtorrent_scrapy.formats.counted import counted
from ptmtorrent_scrapy.formats.printable import show
from ptmtorrent_scrapy.formats.raw_json import element, elements
from ptmtorrent_scrapy.items import Metadata, Model, RejectedModel
from ptmtorrent_scrapy.records.record import RecordHub, record
from ptmtorrent_scrapy.records.validator import Validator
from ptmtorrent_scrapy.spiders.base import HubSpider
from ptmtorrent_scrapy.spiders.fetching import text
from ptmtorrent_scrapy.storage.tree import DataTree


class Command(_common.ShowsPage, ShellCommand):
    """Command like Scrapy's own, with the spider of the hub whose URL is given."""

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        assert self.crawler_process is not None
        settings, loader = self.crawler_process.settings, self.crawler_process.spider_loader
        try:
            opts.spider = _common.spider_name(opts.spider, guess_scheme(args[0]) if args else None, settings, loader)
            if opts.spider:
                _common.set_referer(loader.load(opts.spider), settings)
            super().run(args, opts)
        except UsageError as error:
            show(f"scrapy shell: {error}", file=sys.stderr)
            self.exitcode = 1

    def update_vars(self, vars: dict[str, Any]) -> None:  # noqa: A002 - Scrapy's name for it
        page = HubPage(vars)
        vars["models"] = Shortcut(
            "models()", "the models of the page, one Model or RejectedModel per object", page.models
        )
        vars["model"] = Shortcut(
            "model(OBJECT)", "the Model of a position in the page, from 0, or of a dict", page.model
        )
        vars["record"] = Shortcut("record(OBJECT)", "the record of a position, a dict or a Model", page.record)


@dataclass(frozen=True)
class Shortcut:
    """A function of the shell. It is a dataclass because the shell's help lists dataclasses."""

    usage: str
    purpose: str
    function: Callable[..., Any]

    def __call__(self, *given: Any) -> Any:
        return self.function(*given)

    def __str__(self) -> str:
        return f"{self.usage}: {self.purpose}"


class HubPage:
    """A page of a hub, as a crawl would see it. Its methods raise `UsageError` if there is nothing to show."""

    def __init__(self, shell: Mapping[str, Any]) -> None:
        self._shell = shell

    def models(self) -> list[Model | RejectedModel]:
        found = list(self._spider.models(self._objects))
        for position, item in enumerate(found):
            item.position = position
        return found

    def model(self, of: int | dict[str, Any] = 0) -> Model | RejectedModel:
        [item] = self._spider.models([self._described(of) if isinstance(of, dict) else self._object(of)])
        item.position = 0 if isinstance(of, dict) else of
        return item

    def record(self, of: int | dict[str, Any] | Model | RejectedModel = 0) -> dict[str, Any] | None:
        """Return the record, even if a crawl would reject it; in that case print the reason."""
        model = of if isinstance(of, Model | RejectedModel) else self.model(of)
        made = (
            None
            if isinstance(model, RejectedModel)
            else record(replace(model, position=model.position or 0), self._hub)
        )
        if problem := self._problem(model, made):
            show(f"rejected: {problem}", file=sys.stderr)
        return made

    def _problem(self, model: Model | RejectedModel, made: dict[str, Any] | None) -> str | None:
        if isinstance(model, RejectedModel):
            return f"{model.reason}: {model.detail}"
        if model.commit is None:
            return "no commit: the hub gives none; a crawl asks the repository for it"
        problem = self._validator.problem(made or {})
        return problem and f"invalid record: {problem}"

    @property
    def _spider(self) -> HubSpider:
        spider = self._shell["spider"]
        if not isinstance(spider, HubSpider):
            raise UsageError(
                "no page of a hub is shown; fetch(URL) one, and name the hub where it is elsewhere: --spider NAME"
            )
        _common.check_has_pages(spider)
        return spider

    @cached_property
    def _objects(self) -> list[Metadata]:
        """Return the objects of models on the page: the elements of its array, or the complete page."""
        response = self._shell["response"]
        if not isinstance(response, Response):
            raise UsageError("no page is shown; fetch(URL) one")
        for read in (elements, self._spider.listed_on_page, lambda only: [element(only)]):
            try:
                return [self._described(each.value, each.text) for each in read(text(response))]
            except (ValueError, RecursionError) as error:
                problem = error
        raise UsageError(f"{response.url} is not JSON: {problem}")

    def _object(self, position: int) -> Metadata:
        if not 0 <= position < len(self._objects):
            raise UsageError(
                f"{self._shell['response'].url} shows {counted(len(self._objects), 'object')}; positions count from 0"
            )
        return self._objects[position]

    def _described(self, value: Any, of: str | None = None) -> Metadata:
        """Return an object with its text, from the page if it has it."""
        if isinstance(value, dict) and self._shell["response"]:
            value = self._spider.on_page(value, self._shell["response"].url)
        return Metadata(of or orjson.dumps(value).decode(), value)

    @property
    def _hub(self) -> RecordHub:
        return self._spider.record_hub(DataTree(Path(self._spider.settings["DATA_DIR"]), self._spider.name))

    @cached_property
    def _validator(self) -> Validator:
        return Validator()
