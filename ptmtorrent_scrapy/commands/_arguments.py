"""The arguments of a hub in the output of `scrapy crawl HUB -h`."""

import sys

from scrapy.settings import BaseSettings
from scrapy.spiderloader import get_spider_loader

from ptmtorrent_scrapy.spiders.base import HubSpider

# argument -> (accepted, meaning, example)
ARGUMENTS: dict[str, tuple[str, str, str]] = {
    "fraction": ("0 to 1", "share of the models whose repositories are cloned, most downloaded first", "fraction=0.01"),
    "top": ("number", "how many models to clone, most downloaded first", "top=100"),
    "replace": ("true, false", "with top: replace a model that cannot be cloned by the next one", "replace=false"),
    "sample": ("0 to 1", "a random share", "sample=0.001"),
    "seed": ("text", "with sample: another seed selects other models", "seed=7"),
    "ids": (
        "file, -, ids",
        "models by id, name or URL: a file, standard input, or ids separated by commas",
        "ids=models.txt",
    ),
    "author": ("names", "models of these owners", "author=google,microsoft"),
    "task": ("names", "models for these tasks", "task=text-classification"),
    "library": ("names", "models of these libraries", "library=transformers"),
    "license": ("names, groups", "licences as the hub names them, or permissive, copyleft, ...", "license=permissive"),
    "min_downloads": ("number", "models with at least as many downloads", "min_downloads=1000"),
    "private": ("true, false", "also collect private models that the token may read", "private=true"),
    "retry": ("failed, missing, partial, all", "repositories whose last clone has this status", "retry=failed"),
    "lfs": ("auto, all, none, size", "git-lfs files to download; files in git itself are always cloned", "lfs=100MB"),
}


def named_spider(settings: BaseSettings) -> type[HubSpider] | None:
    """Return the spider of the first hub on the command line, for `scrapy crawl HUB -h`."""
    loader = get_spider_loader(settings)
    hub = next((word for word in sys.argv[1:] if word in loader.list()), None)
    spider = loader.load(hub) if hub else None
    return spider if spider and issubclass(spider, HubSpider) else None


def arguments_help(spider: type[HubSpider], *more: str) -> str:
    """Return the arguments that a hub takes, with what is accepted, defaults and examples."""
    names = [name for name in ARGUMENTS if name in spider.selects or name in ("lfs", *more)]
    defaults = {
        "fraction": f"{spider.default_fraction:g}",
        "lfs": "the setting CLONE_LFS",
        "seed": "0",
        "replace": "true",
    }
    title = f"Arguments of {spider.name} (-a NAME=VALUE)"
    lines = [title, "=" * len(title)]
    for name in names:
        accepted, meaning, example = ARGUMENTS[name]
        default = f" (default: {defaults[name]})" if name in defaults else ""
        lines += [f"  {name:<14} {accepted}{default}", f"  {'':<14} {meaning}", f"  {'':<14} e.g. -a {example}"]
    return "\n".join(
        [*lines, "", "Separate several values by commas; one of them must match. All arguments: docs/settings.md"]
    )
