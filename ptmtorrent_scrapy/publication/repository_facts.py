"""Read facts about repositories from the files of a tree: results of the clones, licences, access."""

from collections.abc import Callable
from typing import Any

from ptmtorrent_scrapy.catalog import CollectedHub
from ptmtorrent_scrapy.formats.spdx import spdx_identifier
from ptmtorrent_scrapy.publication.repositories import Repositories
from ptmtorrent_scrapy.storage.tree import UnusableName, check_folder

_STEP = 1000  # records or objects


class RepositoryFacts:
    """Fills the database of the repositories."""

    def __init__(
        self, repositories: Repositories, advance: Callable[[str, int, int | None], object] = lambda *_: None
    ) -> None:
        self._repositories = repositories
        self._database = repositories.database
        self._advance = advance

    def read(self, hub: CollectedHub) -> None:
        """Read the facts about a hub's repositories from its lines, records and own objects."""
        for line in hub.repositories():
            self._add(hub.name, line)
        with hub.open() as pair:
            for number, (record, _) in enumerate(pair.records(with_objects=False)):
                self._read_record(hub.name, record)
                if number % _STEP == 0:
                    self._advance("records", number, None)
            for name in pair.metadata:
                for number, (_, found) in enumerate(pair.objects(name)):
                    self._read_object(hub.name, found)
                    if number % _STEP == 0:
                        self._advance("objects", number, None)
        self._database.commit()

    def _add(self, hub: str, line: dict[str, Any]) -> None:
        try:
            folder = check_folder(str(line.get("path")).removeprefix("repos/"))
        except UnusableName:
            return
        if not isinstance(line.get("commit"), str):
            return
        sizes = [line[name] if isinstance(line.get(name), int) else 0 for name in ("git_bytes", "lfs_bytes")]
        name = folder.partition("/")[2]
        status = str(line.get("status"))
        access = "gated" if status == "gated" else ""  # the clone may be from before it was gated
        values = (hub, folder, name, line["url"], line["commit"], line.get("branch"), status, *sizes, access)
        self._database.execute("INSERT OR IGNORE INTO repository VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '')", values)

    def _read_record(self, hub: str, record: dict[str, Any]) -> None:
        name = record["ModelName"]
        url = record.get("ModelRepositoryURL") or record.get("ModelURL")
        self._note_access(hub, name, url, record.get("ModelGated"), record.get("ModelPrivate"))
        spdx = record.get("ModelLicenseSPDX")
        identifiers = " ".join(sorted(map(str, spdx))) if isinstance(spdx, list) else ""
        if record.get("ModelLicense") or identifiers:
            for folder in self._folders(hub, record.get("ModelRepositoryPath"), url):
                self._note_license(hub, folder, record.get("ModelLicense"), identifiers, record.get("ModelLicenseURL"))

    def _read_object(self, hub: str, found: dict[str, Any]) -> None:
        """Read an object of the hub: access and licence of models without a record, of datasets and of spaces."""
        name = found.get("id")
        if not isinstance(name, str):
            return
        self._note_access(hub, name, None, found.get("gated"), found.get("private"))
        card = found.get("cardData")
        declared = card.get("license") if isinstance(card, dict) else None
        names = declared if isinstance(declared, list) else [declared]
        if any(names):
            for folder in self._repositories.named(hub, name):
                if not self._repositories.licenses(hub, folder):
                    for each in filter(None, names):
                        self._note_license(hub, folder, each, spdx_identifier(str(each)) or "", None)

    def _note_license(self, hub: str, folder: str, name: object, spdx: str, url: object) -> None:
        values = (hub, folder, str(name or ""), spdx, str(url or ""))
        self._database.execute("INSERT OR IGNORE INTO license VALUES (?, ?, ?, ?, ?)", values)

    def _note_access(self, hub: str, name: str, url: object, gated: object, private: object) -> None:
        access = "private" if private is True else "gated" if gated not in (None, False, "", "false") else None
        if access is None:
            return
        if access == "private":
            self._database.execute("INSERT OR IGNORE INTO private VALUES (?, ?)", (hub, name))
        for folder in {*self._repositories.named(hub, name), *self._folders(hub, None, url)}:
            update = "UPDATE repository SET access = ? WHERE hub = ? AND folder = ? AND access != 'private'"
            self._database.execute(update, (access, hub, folder))

    def _folders(self, hub: str, path: object, url: object) -> list[str]:
        """Return the folders of a record's repository."""
        if isinstance(path, str):
            return [path.removeprefix("repos/")]
        rows = self._database.execute("SELECT folder FROM repository WHERE hub = ? AND url = ?", (hub, url))
        return [row[0] for row in rows]
