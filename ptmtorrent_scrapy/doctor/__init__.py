"""Check a machine: programs, file systems, network and cluster, for `scrapy doctor`."""
