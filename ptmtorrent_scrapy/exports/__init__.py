"""Write the collected data in formats that other tools read: SQLite, Parquet, FAIR4ML and Croissant.

    from ptmtorrent_scrapy.catalog import Catalog
    from ptmtorrent_scrapy.exports.export import Export

    hubs = Catalog(Path("data")).hubs()
    for file in Export(hubs, Path("data/exports")).run(["sqlite", "parquet"]):
        print(file.path, file.rows)

Exports read a tree through `ptmtorrent_scrapy.catalog`, commits through `ptmtorrent_scrapy.git`, and write outside of
the hubs' folders. Each format has a module or a package; what is counted for people belongs in `report`. Imports no
Scrapy.
"""
