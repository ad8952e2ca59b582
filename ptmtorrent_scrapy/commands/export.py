"""`scrapy export FORMAT [HUB ...] [-o PATH]`: write the collected data in formats that other tools read."""

import argparse
import importlib.abc
import importlib.util
import json
import sqlite3
import sys
from pathlib import Path

from scrapy.commands import ScrapyCommand
from scrapy.exceptions import UsageError

from ptmtorrent_scrapy.catalog import Catalog, CatalogError, UnknownHub
from ptmtorrent_scrapy.commands._common import ReadsTree, reason
from ptmtorrent_scrapy.commands._progress import bars
from ptmtorrent_scrapy.exports.export import SQLITE, Export, ExportLocked, Format
from ptmtorrent_scrapy.exports.output import ExportedFile
from ptmtorrent_scrapy.formats.counted import counted
from ptmtorrent_scrapy.formats.printable import printable, show
from ptmtorrent_scrapy.formats.sizes import human
from ptmtorrent_scrapy.garbage import collect_rarely
from ptmtorrent_scrapy.git import process

FOLDER = "exports"  # below DATA_DIR
_ALL = "all"
_DATABASES = (".sqlite", ".sqlite3", ".db")
_NEEDS = {"langcodes": (Format.SQLITE,), "pyarrow": (Format.PARQUET, Format.CROISSANT)}


class Command(ReadsTree, ScrapyCommand):
    """Exit status 0: exported, missing data was named; 1: the tree or the disk has a fault; 2: it could not start."""

    def syntax(self) -> str:
        return f"[options] {'|'.join([*Format, _ALL])} [hub ...]"

    def short_desc(self) -> str:
        return "Export the collected data as SQLite, Parquet, FAIR4ML or Croissant"

    def long_desc(self) -> str:
        return (
            "Writes the records, metadata, repositories and files of all hubs, or of the hubs given. `croissant` also "
            "writes the Parquet files that it describes. Earlier files stay until the new ones are complete."
        )

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        where = f"folder to write to (default: DATA_DIR/{FOLDER}); for sqlite also a file: NAME.sqlite or NAME.db"
        parser.add_argument("-o", "--output", metavar="PATH", help=where)
        parser.add_argument("--json", action="store_true", help="print one JSON object per file")
        parser.add_argument("--no-commits", action="store_true", help="sqlite: do not read the clones' histories")

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        formats = _formats(args)
        sys.meta_path.insert(0, _WithoutPandas())
        try:
            _check_libraries(formats)
            collect_rarely()
            files = self._export(formats, args[1:], opts)
        except (CatalogError, ExportLocked, ImportError, OSError, sqlite3.Error) as error:
            show(f"scrapy export: {reason(error)}; earlier exports were kept", file=sys.stderr)
            self.exitcode = 2 if isinstance(error, UnknownHub | ImportError) else 1
            return
        except KeyboardInterrupt:
            show("scrapy export: stopped; earlier exports were kept", file=sys.stderr)
            self.exitcode = 1
            return
        finally:
            process.close_watchdog()
        for file in files:
            show(_line(file, as_json=opts.json))

    def _export(self, formats: list[Format], hubs: list[str], opts: argparse.Namespace) -> list[ExportedFile]:
        """Write the formats; return the files. Raise `CatalogError`, `ExportLocked`, `OSError`, `sqlite3.Error`."""
        assert self.settings is not None
        root = Path(self.settings["DATA_DIR"])
        folder, database = _place(Path(opts.output) if opts.output else root / FOLDER, formats)
        with bars() as advance:
            export = Export(
                Catalog(root).hubs(hubs),
                folder,
                with_commits=not opts.no_commits,
                advance=advance,
                warn=lambda warning: show(f"warning: {printable(warning)}", file=sys.stderr),
                database=database,
            )
            return export.run(formats)


class _WithoutPandas(importlib.abc.MetaPathFinder):
    """Hides pandas, which pyarrow imports if it is installed: 40 MB of memory that no export needs."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if name == "pandas":
            raise ModuleNotFoundError(name)


def _formats(args: list[str]) -> list[Format]:
    """Return the formats that the first word names. Raise `UsageError`."""
    if not args or args[0] not in (*Format, _ALL):
        given = f"{args[0]!r} is not a format" if args else "a format is missing"
        raise UsageError(f"{given} (choose from {', '.join([*Format, _ALL])})", print_help=False)
    return list(Format) if args[0] == _ALL else [Format(args[0])]


def _check_libraries(formats: list[Format]) -> None:
    """Raise `ImportError` if a library that a format needs is not installed."""
    for library, needed_by in _NEEDS.items():
        for each in needed_by:
            if each in formats and importlib.util.find_spec(library) is None:
                message = (
                    f"{each} needs {library}, which is not installed; run: pip install 'ptmtorrent-scrapy[export]'"
                )
                raise ImportError(message)


def _place(output: Path, formats: list[Format]) -> tuple[Path, str]:
    """Return the folder to write to, and the name of the database in it."""
    if formats == [Format.SQLITE] and output.suffix in _DATABASES and not output.is_dir():
        return output.parent, output.name
    return output, SQLITE


def _line(file: ExportedFile, *, as_json: bool) -> str:
    if as_json:
        return json.dumps({"path": str(file.path), "rows": file.rows, "bytes": file.size})
    rows = "" if file.rows is None else f"{counted(file.rows, 'row')}, "
    return f"{file.path}  {rows}{human(file.size)}"
