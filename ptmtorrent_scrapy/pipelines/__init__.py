"""Item pipelines, in this order: write pages and metadata, clone repositories, write records, save progress.

Each is thin: it passes an item to `storage`, `cloning` or `records`. Work after the last item belongs in `extensions`.
"""

from ptmtorrent_scrapy.pipelines.checkpoint import CheckpointPipeline
from ptmtorrent_scrapy.pipelines.clone import ClonePipeline
from ptmtorrent_scrapy.pipelines.metadata import MetadataPipeline
from ptmtorrent_scrapy.pipelines.raw_pages import RawPagePipeline
from ptmtorrent_scrapy.pipelines.records import RecordPipeline

__all__ = ["CheckpointPipeline", "ClonePipeline", "MetadataPipeline", "RawPagePipeline", "RecordPipeline"]
