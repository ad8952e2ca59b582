"""Imports of Scrapy for the project's settings."""

import subprocess
import sys

_COMPONENTS = """
import sys
from scrapy.cmdline import _get_commands_dict
from scrapy.utils.project import get_project_settings
settings = get_project_settings()
_get_commands_dict(settings, inproject=True)
for name in ("EXTENSIONS", "DOWNLOADER_MIDDLEWARES", "SPIDER_MIDDLEWARES", "ITEM_PIPELINES"):
    assert settings.get_component_priority_dict_with_base(name)
print(*sys.modules)
"""
_SLOW = {"aiohttp", "distributed", "jinja2", "jsonschema", "matplotlib", "pyarrow", "rich", "tldextract"}


def test_a_crawl_starts_without_libraries_that_few_crawls_need() -> None:
    done = subprocess.run([sys.executable, "-c", _COMPONENTS], capture_output=True, text=True, check=True)
    assert not _SLOW & set(done.stdout.split())
