"""What happens to items, in this order: raw pages are kept, metadata is kept, repositories are cloned, records are made."""

from ptmtorrent_scrapy.pipelines.clone import ClonePipeline
from ptmtorrent_scrapy.pipelines.metadata import MetadataPipeline
from ptmtorrent_scrapy.pipelines.raw import RawPagePipeline
from ptmtorrent_scrapy.pipelines.record import RecordPipeline

__all__ = ["ClonePipeline", "MetadataPipeline", "RawPagePipeline", "RecordPipeline"]
