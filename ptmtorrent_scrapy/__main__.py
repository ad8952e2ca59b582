"""The command `ptmtorrent`: Scrapy's command line with the settings of this project, from any folder."""

import os

from ptmtorrent_scrapy.interrupt import end_without_traceback


def main() -> None:
    """Run `scrapy` with this project's settings, from any folder."""
    end_without_traceback()
    from scrapy.cmdline import execute  # takes a second, in which Ctrl-C may come

    os.environ["SCRAPY_SETTINGS_MODULE"] = "ptmtorrent_scrapy.settings"
    execute()


if __name__ == "__main__":
    main()
