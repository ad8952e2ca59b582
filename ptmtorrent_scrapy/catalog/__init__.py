"""Read a data tree: which hubs it has, their records with the hubs' objects, and the lines of their `.jsonl` files.

    catalog = Catalog(Path("data"))
    for hub in catalog.hubs():  # or catalog.hubs(["huggingface"])
        print(hub.name, hub.missing())  # the files that the hub lacks
        with hub.open() as pair:  # files of the same crawl
            print(hub.crawl(pair))  # which one
            for record, found in pair.records():
                ...
            for position, found in pair.objects("hf_metadata.json"):
                ...
        for line in hub.repositories():  # or files(), rejected(), crawls()
            ...
        print(*hub.faults.lines())  # what could not be read

`found` is the hub's own object; with a record it is None if there is none. A `CatalogError` says which name is wrong.
`open` opens records and metadata of the same crawl, even while another crawl replaces them.

Everything is read one element at a time, so memory does not grow with the hub. Nothing is locked or written. An
element or line that cannot be read is skipped and counted in `hub.faults`; positions count it. All text is valid
Unicode: half surrogate pairs and bytes that are not UTF-8 become U+FFFD. A number that no float can hold becomes None.

Exports, reports and packages of a tree belong in `exports`, `report` and `publication`, which use this package. Imports
no Scrapy.
"""

from ptmtorrent_scrapy.catalog.catalog import Catalog, CatalogError, UnknownHub
from ptmtorrent_scrapy.catalog.faults import Faults
from ptmtorrent_scrapy.catalog.hub import CollectedHub, Crawl, is_time
from ptmtorrent_scrapy.catalog.pair import Pair

__all__ = ["Catalog", "CatalogError", "CollectedHub", "Crawl", "Faults", "Pair", "UnknownHub", "is_time"]
