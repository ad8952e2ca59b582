"""The command `ptmtorrent`: Scrapy's command line with the settings of this project, from any folder."""

import os

from scrapy.cmdline import execute


def main() -> None:
    """Run `scrapy` with this project's settings, wherever it is started."""
    os.environ["SCRAPY_SETTINGS_MODULE"] = "ptmtorrent_scrapy.settings"
    execute()


if __name__ == "__main__":
    main()
