"""Settings that differ from Scrapy's defaults, each with its reason, and our own (docs/settings.md)."""

import os

from scrapy.settings import default_settings as _defaults

from ptmtorrent_scrapy import CONTACT_URL as _DOCUMENTATION
from ptmtorrent_scrapy import ENVIRONMENT_PREFIX as _PREFIX
from ptmtorrent_scrapy import __version__
from ptmtorrent_scrapy.interrupt import end_without_traceback
from ptmtorrent_scrapy.log_formatter import filter_loggers
from ptmtorrent_scrapy.storage.streams import open_missing

end_without_traceback()
open_missing()  # before anything is opened: Scrapy reads this file first
filter_loggers()

BOT_NAME = "ptmtorrent_scrapy"
SPIDER_MODULES = ["ptmtorrent_scrapy.spiders"]
NEWSPIDER_MODULE = "ptmtorrent_scrapy.spiders"
COMMANDS_MODULE = "ptmtorrent_scrapy.commands"

# Data and hubs
DATA_DIR = "data"
HUGGINGFACE_URL = os.environ.get("HF_ENDPOINT") or "https://huggingface.co"
HUGGINGFACE_TOKEN = os.environ.get("HF_TOKEN") or ""
# Fields to request in a listing; empty: those that the hub gives without `expand`. Without `gguf`, which has complete
# chat templates, hundreds of kB per model.
HUGGINGFACE_EXPAND = (
    "author,sha,createdAt,lastModified,private,disabled,gated,likes,downloads,downloadsAllTime,trendingScore,tags,"
    "pipeline_tag,library_name,cardData,config,siblings,safetensors,baseModels,model-index,transformersInfo,inference"
)
HUGGINGFACE_DATASETS_EXPAND = (
    "author,cardData,citation,createdAt,disabled,description,downloads,downloadsAllTime,gated,lastModified,likes,"
    "mainSize,paperswithcode_id,private,siblings,sha,tags,trendingScore"
)
HUGGINGFACE_SPACES_EXPAND = (
    "author,cardData,createdAt,datasets,disabled,lastModified,likes,models,private,runtime,sdk,sha,siblings,subdomain,"
    "tags,trendingScore"
)
MODELHUB_URL = "https://raw.githubusercontent.com/modelhub-ai/modelhub/master/models.json"
MODELZOO_URL = "https://modelzoo.co"
ONNXMODELZOO_REPOSITORY = "https://github.com/onnx/models"
PYTORCHHUB_URL = "https://pytorch.org/hub"
PYTORCHHUB_REPOSITORY = "https://github.com/pytorch/hub"

# How many earlier states of records and metadata are kept; compressed, each takes a few percent of their size.
KEEP_SNAPSHOTS = 3

# Whether a crawl writes the report of the tree at its end (`scrapy report`).
REPORT = False

# An interrupted listing is resumed, unless it was started longer ago.
LISTING_MAX_AGE = "1d"

# Repositories
CLONE_CONCURRENCY = 8
CLONE_TIMEOUT = 3600
CLONE_MIN_RATE = "1KB"
CLONE_LFS = "auto"
CLONE_LFS_FILES = "link"
CLONE_LFS_MIRRORS = '{"https://github.com/onnx/models": "https://huggingface.co/onnxmodelzoo/legacy_models"}'
CLONE_REFRESH = "1d"
CLONE_RETRIES = 5
CLONE_RETRY_PAUSE = 1
CLONE_MIN_FREE = "10GB"
CLONE_MAX_BYTES = ""
CLONE_MAX_REPOSITORY = ""
CLONE_CLUSTER = ""
# Time to wait for a lost scheduler, or for a healthy worker.
CLUSTER_PATIENCE = "10m"
CLONE_PROTOCOLS = "https"
CLONE_GIT_CONFIG = "{}"

# Nothing is written after an error, and Scrapy's own loop over the pipelines takes three times as long.
ITEM_PROCESSOR = "ptmtorrent_scrapy.pipelines.processor.ItemProcessor"
ITEM_PIPELINES = {
    "ptmtorrent_scrapy.pipelines.RawPagePipeline": 100,
    "ptmtorrent_scrapy.pipelines.MetadataPipeline": 200,
    "ptmtorrent_scrapy.pipelines.ClonePipeline": 300,
    "ptmtorrent_scrapy.pipelines.RecordPipeline": 400,
    "ptmtorrent_scrapy.pipelines.CheckpointPipeline": 900,
}
# Scrapy imports every component that a setting names, also to disable it: these two take a quarter of the start.
# Remote control is off, and the hubs need no cookies.
_UNUSED = ("scrapy.extensions.remote_control.RemoteControl", "scrapy.downloadermiddlewares.cookies.CookiesMiddleware")
EXTENSIONS_BASE = {name: place for name, place in _defaults.EXTENSIONS_BASE.items() if name not in _UNUSED}
DOWNLOADER_MIDDLEWARES_BASE = {
    name: place for name, place in _defaults.DOWNLOADER_MIDDLEWARES_BASE.items() if name not in _UNUSED
}
EXTENSIONS = {
    "ptmtorrent_scrapy.extensions.CrawlLog": 500,
    "ptmtorrent_scrapy.extensions.Phases": 500,
    "ptmtorrent_scrapy.extensions.Progress": 500,
    "ptmtorrent_scrapy.extensions.Report": 500,
    "ptmtorrent_scrapy.extensions.Summary": 500,
    # without two signals per item
    "scrapy.extensions.corestats.CoreStats": None,
    "ptmtorrent_scrapy.extensions.core_stats.CrawlStats": 0,
    "scrapy.extensions.logstats.LogStats": None,  # Progress counts models, not pages
    "scrapy.extensions.feedexport.FeedExporter": None,
    "ptmtorrent_scrapy.extensions.feeds.ModelFeedExporter": 0,
}
SPIDER_MIDDLEWARES = {"ptmtorrent_scrapy.middlewares.claim_tree.ClaimTreeMiddleware": 100}
DOWNLOADER_MIDDLEWARES = {
    "scrapy.downloadermiddlewares.httpcache.HttpCacheMiddleware": None,
    "ptmtorrent_scrapy.middlewares.http_cache.PageCacheMiddleware": 900,
    # a page that is too large for the hub is requested again with fewer objects
    "scrapy.downloadermiddlewares.retry.RetryMiddleware": None,
    "ptmtorrent_scrapy.middlewares.retry.PageRetryMiddleware": 550,
    # above 550, since Scrapy's RetryMiddleware would otherwise retry a 429 first
    "ptmtorrent_scrapy.middlewares.rate_limit.RateLimitMiddleware": 560,
}
SPIDER_CONTRACTS = {"ptmtorrent_scrapy.contracts.HubUrl": 100, "ptmtorrent_scrapy.contracts.Models": 200}

# One log line per item would take a third of the item's time, and adds nothing to the summary.
LOG_LEVEL = "INFO"
LOG_FORMATTER = "ptmtorrent_scrapy.log_formatter.LogFormatter"
# The metadata file is in the order of the listing: one item after the other.
CONCURRENT_ITEMS = 1
# Without a delay Scrapy sends more requests at once than its limit per domain.
DOWNLOAD_DELAY = 0.02
DOWNLOAD_DELAY_JITTER = 0
# Files of a clone come from the disk, so they need no delay.
DOWNLOAD_SLOTS = {"": {"concurrency": 8, "delay": 0}}
CONCURRENT_REQUESTS_PER_DOMAIN = 4
# A page of 1,000 models has 1 to 20 MB; a larger one than this is requested with fewer models.
DOWNLOAD_MAXSIZE = 128 * 2**20
DOWNLOAD_WARNSIZE = 64 * 2**20
DOWNLOAD_HANDLERS = {
    "file": "ptmtorrent_scrapy.downloadhandlers.http.FileHandler",  # respects DOWNLOAD_MAXSIZE
    "http": "ptmtorrent_scrapy.downloadhandlers.http.HttpHandler",  # a stopped crawl does not wait for answers
    "https": "ptmtorrent_scrapy.downloadhandlers.http.HttpHandler",
}
DOWNLOAD_VERIFY_CERTIFICATES = True
# Requests to this machine or a private network are refused, unless a setting names the server.
TWISTED_DNS_RESOLVER = "ptmtorrent_scrapy.downloadhandlers.resolver.CheckingResolver"
ROBOTSTXT_OBEY = True
# Hubs see who asks; a study names its own page or address: -s CONTACT_URL=https://you.example/study
CONTACT_URL = _DOCUMENTATION
USER_AGENT = f"ptmtorrent_scrapy/{__version__} (+{CONTACT_URL})"
# Both would let a local process run code in the crawl.
TELNETCONSOLE_ENABLED = False
REMOTE_CONTROL_ENABLED = False
# Unchanged pages are not sent again (middlewares/http_cache.py).
HTTPCACHE_ENABLED = True
HTTPCACHE_POLICY = "ptmtorrent_scrapy.middlewares.http_cache.Policy"
HTTPCACHE_STORAGE = "ptmtorrent_scrapy.middlewares.http_cache.PageStore"
# The hubs need no cookies.
COOKIES_ENABLED = False
# A failed page is requested again after 1, 2, 4, ... seconds, so that a hub that is down for a minute does not end a
# crawl of hours.
RETRY_TIMES = 6
LISTING_RETRY_PAUSE = 1
# The component that requested a page logs once that it failed.
RETRY_GIVE_UP_LOG_LEVEL = "DEBUG"
# After a 429 the crawl waits as long as the host demands, and repeats the request this many times.
RATE_LIMIT_RETRIES = 20
# The longest pause that a server can demand.
RATE_LIMIT_MAX_WAIT = "1h"

# Each of these settings can also be given in the environment, as PTMTORRENT_NAME: for services and containers.
for _variable, _value in os.environ.items():
    if (_setting := _variable.removeprefix(_PREFIX)) != _variable and _setting in globals():
        globals()[_setting] = _value
