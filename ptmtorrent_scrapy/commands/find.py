"""`scrapy find SHA256|BLOB|GLOB [HUB ...]`: which models have a file."""

import argparse
import json
import os
import sys
from dataclasses import asdict
from pathlib import Path

from scrapy.commands import ScrapyCommand
from scrapy.exceptions import UsageError

from ptmtorrent_scrapy.catalog import Catalog, CatalogError
from ptmtorrent_scrapy.catalog.find import FoundFile, find
from ptmtorrent_scrapy.commands._common import ReadsTree, reason
from ptmtorrent_scrapy.formats.printable import printable, show
from ptmtorrent_scrapy.formats.sizes import human


class Command(ReadsTree, ScrapyCommand):
    """Exit status 0: a file was found; 1: none was; 2: there is nothing to search in."""

    def syntax(self) -> str:
        return "[options] SHA256|BLOB|GLOB [hub ...]"

    def short_desc(self) -> str:
        return "Find models by a file's hash or path"

    def long_desc(self) -> str:
        return (
            "Finds files of clones by their SHA-256 (64 digits, of a large file), their git blob id (40 digits) or a "
            "pattern of their path, such as '*.gguf' or 'onnx/*.onnx', and the models that they belong to."
        )

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument("--json", action="store_true", help="print one JSON object per file")

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        assert self.settings is not None
        if not args:
            raise UsageError("a hash or a pattern is missing", print_help=False)
        try:
            hubs = Catalog(Path(self.settings["DATA_DIR"])).hubs(args[1:])
            searched = [hub for hub in hubs if "json/files.jsonl" not in hub.missing()]
            if not searched:
                raise CatalogError("no hub has a json/files.jsonl; crawl again to write it")
            found = 0
            for file in find(searched, args[0]):
                found += 1
                show(json.dumps(asdict(file)) if opts.json else _line(file))
            sys.stdout.flush()
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader closed the pipe
            return
        except (CatalogError, OSError) as error:
            show(f"scrapy find: {reason(error)}", file=sys.stderr)
            self.exitcode = 2
            return
        self.exitcode = 0 if found else 1


def _line(file: FoundFile) -> str:
    models = ", ".join(file.models) or "(no record)"
    size = "" if file.size is None else f"  {human(file.size)}"
    return printable(f"{file.hub}  {models}  {file.path}{size}{f'  {file.state}' if file.state else ''}")
