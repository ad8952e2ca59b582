"""The datasets of Hugging Face."""

from ptmtorrent_scrapy.items import Metadata, Model
from ptmtorrent_scrapy.parsers.huggingface_repositories import repository
from ptmtorrent_scrapy.spiders.base import HubSpider
from ptmtorrent_scrapy.spiders.huggingface_api import HuggingFaceApiSpider


class HuggingFaceDatasetsSpider(HuggingFaceApiSpider):
    name = "huggingface_datasets"
    hub = "Hugging Face datasets"
    plural = "datasets"
    prefix = "datasets/"
    fields_setting = "HUGGINGFACE_DATASETS_EXPAND"
    metadata = "hfd_metadata.json"
    has_records = False
    default_fraction = 0
    probe = "/api/datasets?limit=1"
    selects = (*HubSpider.selects, "license", "min_downloads", "private")

    def model(self, metadata: Metadata) -> Model:
        return repository(metadata, self.hub_url, self.prefix)
