"""Functions for commands that read a data tree: its hubs, and the git settings of each."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from scrapy.settings import BaseSettings
from scrapy.spiderloader import SpiderLoaderProtocol

from ptmtorrent_scrapy.cloning.settings import clone_settings
from ptmtorrent_scrapy.commands._common import SetupError, unknown_hub
from ptmtorrent_scrapy.git.models import CloneRequest
from ptmtorrent_scrapy.publication.download import Downloader
from ptmtorrent_scrapy.spiders.base import HubSpider
from ptmtorrent_scrapy.storage.tree import DataTree


def hub_spiders(loader: SpiderLoaderProtocol, root: Path, named: Sequence[str]) -> list[type[HubSpider]]:
    """Return the spiders of the named hubs, or of all that have a folder. Raise `SetupError`."""
    spiders = {name: loader.load(name) for name in loader.list()}
    for name in named:
        if name not in spiders:
            raise unknown_hub(name, spiders)
        if not (root / name).is_dir():
            raise SetupError(f"{root / name} does not exist; set another DATA_DIR, or crawl first")
    found = [spider for name, spider in spiders.items() if (name in named if named else (root / name).is_dir())]
    if not found:
        raise SetupError(f"{root} has no folder of a hub; set another DATA_DIR, or crawl first")
    return [spider for spider in found if issubclass(spider, HubSpider)]


def clone_request(hub: type[HubSpider], tree: DataTree, settings: BaseSettings, purpose: str) -> CloneRequest:
    """Return the git settings for the clones of a hub. Raise `InvalidOption`."""
    return replace(
        clone_settings(settings).repository,
        store=str(tree.store.absolute()),
        token=hub.token_of(settings),
        read_files=hub.clone_files,
        scope=f"{purpose} {hub.name}",
    )


def downloader(loader: SpiderLoaderProtocol, settings: BaseSettings, *named: str) -> Downloader:
    """Return a downloader; servers of the settings and URLs of the user may be on this machine.

    Raise `InvalidOption`.
    """
    spiders = [spider for spider in map(loader.load, loader.list()) if issubclass(spider, HubSpider)]
    urls = {str(settings[name]) for spider in spiders for name in spider.url_settings}
    tokens = [token for spider in spiders if (token := spider.token_of(settings))]
    return Downloader(
        agent=settings["USER_AGENT"] or "",
        timeout=clone_settings(settings).repository.timeout,
        token=tokens[0] if tokens else None,
        trusted=urls.union(named),
    )
