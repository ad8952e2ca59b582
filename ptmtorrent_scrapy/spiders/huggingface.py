"""The models of Hugging Face."""

from typing import Any

from ptmtorrent_scrapy.items import Metadata, Model
from ptmtorrent_scrapy.parsers import huggingface
from ptmtorrent_scrapy.spiders.huggingface_api import HuggingFaceApiSpider


class HuggingFaceSpider(HuggingFaceApiSpider):
    name = "huggingface"
    hub = "Hugging Face"
    plural = "models"
    fields_setting = "HUGGINGFACE_EXPAND"
    metadata = "hf_metadata.json"
    datasets = ("huggingface_datasets", "hfd_metadata.json")
    default_fraction = 0.1
    probe = "/api/models?limit=1"

    def model(self, metadata: Metadata) -> Model:
        return huggingface.model(metadata, self.hub_url)

    def dataset_papers(self, listed: dict[str, Any]) -> list[str]:
        return huggingface.dataset_papers(listed)
