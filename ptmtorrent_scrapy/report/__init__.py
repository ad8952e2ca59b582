"""Figures of a data tree, and the pages that show them: `report.json`, `index.html`. Knows no Scrapy."""
