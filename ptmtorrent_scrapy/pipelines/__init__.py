"""What happens to items, in this order: pages and metadata are kept, repositories cloned, records made."""

from ptmtorrent_scrapy.pipelines.checkpoint import CheckpointPipeline
from ptmtorrent_scrapy.pipelines.clone import ClonePipeline
from ptmtorrent_scrapy.pipelines.metadata import MetadataPipeline
from ptmtorrent_scrapy.pipelines.raw_pages import RawPagePipeline
from ptmtorrent_scrapy.pipelines.records import RecordPipeline

__all__ = ["CheckpointPipeline", "ClonePipeline", "MetadataPipeline", "RawPagePipeline", "RecordPipeline"]
