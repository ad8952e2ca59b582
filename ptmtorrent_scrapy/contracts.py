"""Contracts of the spiders: what `scrapy check` requests, and which models it expects.

https://docs.scrapy.org/en/latest/topics/contracts.html
"""

from typing import Any

from itemadapter import ItemAdapter
from scrapy.contracts import Contract
from scrapy.exceptions import ContractFail

from ptmtorrent_scrapy.formats.counted import counted
from ptmtorrent_scrapy.items import Model
from ptmtorrent_scrapy.spiders.base import HubSpider


class HubUrl(Contract):
    """`@hub_url [PATH]`: the page to request, below the hub's URL in the settings."""

    name = "hub_url"

    def adjust_request_args(self, args: dict[str, Any]) -> dict[str, Any]:
        spider: HubSpider = args["callback"].__self__
        path = self.args[0].replace("{plural}", getattr(spider, "plural", ""))
        return {**args, "url": spider.settings[spider.url_settings[0]].rstrip("/") + path}


class Models(Contract):
    """`@models NUMBER [FIELD...]`: the page has at least NUMBER models, with a value in each of these fields."""

    name = "models"

    def adjust_request_args(self, args: dict[str, Any]) -> dict[str, Any]:
        self._spider: HubSpider = args["callback"].__self__
        return args

    def post_process(self, output: list[Any]) -> None:
        number, *fields = self.args
        models = [item for item in output if isinstance(item, Model)]
        whole = [model for model in models if all(ItemAdapter(model).get(field) for field in fields)]
        if len(whole) < int(number):
            expected = f"{counted(int(number), 'model')}{' with ' if fields else ''}{' and '.join(fields)}"
            found = (
                self._spider.session.state.problem
                or f"{counted(len(output), 'object')}, {counted(len(models), 'model')}, {len(whole)} as expected"
            )
            raise ContractFail(f"{self._spider.hub} should have at least {expected}: {found}")
