"""The spaces of Hugging Face."""

from ptmtorrent_scrapy.items import Metadata, Model
from ptmtorrent_scrapy.parsers.huggingface_repositories import repository
from ptmtorrent_scrapy.spiders.huggingface_api import HuggingFaceApiSpider


class HuggingFaceSpacesSpider(HuggingFaceApiSpider):
    name = "huggingface_spaces"
    hub = "Hugging Face spaces"
    plural = "spaces"
    prefix = "spaces/"
    fields_setting = "HUGGINGFACE_SPACES_EXPAND"
    metadata = "hfs_metadata.json"
    has_records = False
    default_fraction = 0
    probe = "/api/spaces?limit=1"
    selects = ("fraction", "top", "sample", "seed", "ids", "author", "library", "license", "private")

    def model(self, metadata: Metadata) -> Model:
        return repository(metadata, self.hub_url, self.prefix)
