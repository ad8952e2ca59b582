"""Figures of a data tree, and the pages that show them: `report.json`, `index.html`.

`figures` counts, `page` shows; nothing else decides what is counted. Data for other programs belongs in `exports`.
Imports no Scrapy.
"""
