"""Models of the ONNX Model Zoo, from its pages, its manifest and its statistics."""

from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote

from ptmtorrent_scrapy.formats.dois import dois
from ptmtorrent_scrapy.formats.raw_json import count, mapping, string, strings
from ptmtorrent_scrapy.git.last_commits import last_commit
from ptmtorrent_scrapy.items import Metadata, Model
from ptmtorrent_scrapy.parsers.errors import NotAModel
from ptmtorrent_scrapy.parsers.onnx_pages import NOTHING, ModelClass

_OWNER = "ONNX"  # PTMTorrent's name


class OnnxModels:
    """Makes models, with the commits by path, the classes by folder and the manifest's entries by file."""

    def __init__(
        self,
        url: str,
        commits: Mapping[str, str],
        classes: Iterable[ModelClass],
        manifest: Iterable[Metadata],
        hashes: Mapping[str, str] | None = None,
    ) -> None:
        """Prepare it with data of the repository; `hashes` are SHA-256 of models by path."""
        self.url = url
        self.commits = commits
        self._by_hash: dict[str, list[str]] = {}
        self._classes: dict[str, ModelClass] = {}
        self._papers: dict[str, list[str]] = {}  # DOIs
        self._entries: dict[str, dict[str, Any]] = {}
        self._named: set[str] = set()  # files of models so far
        for each in classes:
            if each.folder:
                self._classes.setdefault(each.folder, each)
                self.add_papers(each.folder, dois(each.described["Paper"]))
        for path, digest in (hashes or {}).items():
            self._by_hash.setdefault(digest, []).append(path)
        for entry in manifest:
            if file := self._path(entry.value):
                self._entries.setdefault(file, mapping(entry.value))

    def _path(self, entry: Any) -> str | None:
        """Return the file of a manifest entry, found by SHA-256 and name if it was moved; None if it is missing."""
        path = manifest_path(entry)
        if path is None or path in self.commits:
            return path
        digest = string(mapping(mapping(entry).get("metadata")).get("model_sha"))
        same = self._by_hash.get((digest or "").lower(), [])
        named = [each for each in same if PurePosixPath(each).name == PurePosixPath(path).name]
        return (named or same)[0] if named or len(same) == 1 else None

    def add_papers(self, folder: str, papers: list[str]) -> None:
        """Add papers of the models of a folder."""
        self._papers[folder] = list(dict.fromkeys([*self._papers.get(folder, []), *papers]))

    def is_named(self, entry: Any) -> bool:
        """Return whether the file of a manifest entry already has a model."""
        return self._path(entry) in self._named

    def row(self, number: int, row: dict[str, str], folder: str) -> dict[str, Any]:
        """Return a row of a folder's page with the remaining keys of PTMTorrent's object."""
        category = self._classes[folder].described["Category"] if folder in self._classes else NOTHING
        return {"id": number, **row, "Category": category, "GitHub URL": self._folder_url(folder)}

    def of_row(self, metadata: Metadata, folder: str) -> Model:
        """Return the model of a row of a folder's page."""
        row = metadata.value
        path, entry = row["ModelPath"], self._entries.get(row["ModelPath"], {})
        name = row["Model"] if row["Model"] != NOTHING else string(entry.get("model")) or PurePosixPath(path).stem
        model = self._validated(metadata, entry, key=f"row {row['id']}", name=name, path=path, folder=folder)
        if folder in self._classes:
            model.task = self._classes[folder].task or model.task
        return model

    def of_entry(self, metadata: Metadata) -> Model:
        """Return the model of a manifest entry. Raise `NotAModel`."""
        entry = mapping(metadata.value)
        given, path, name = manifest_path(entry), self._path(entry), string(entry.get("model"))
        if given is None or name is None:
            raise NotAModel("no name or no file", "model or model_path is missing", name=name)
        if path is None:
            raise NotAModel("no file", f"the repository has neither {given!r} nor a file of its SHA-256", name=name)
        above = [str(folder) for folder in PurePosixPath(path).parents]
        if not above:
            raise NotAModel("no name or no file", f"{path!r} is not a file", name=name)
        folder = next((folder for folder in above if folder in self._papers), above[0])
        return self._validated(metadata, entry, key=f"file {path}", name=name, path=path, folder=folder)

    def of_statistics(self, metadata: Metadata) -> Model:
        """Return the model of a folder with statistics. Raise `NotAModel`."""
        stats = metadata.value
        folder, problem = stats["path"], string(stats.get("problem"))
        name = string(stats.get("model_name")) or PurePosixPath(folder).name
        if problem:
            raise NotAModel("unreadable statistics", f"{folder}/turnkey_stats.yaml: {problem}", name=name)
        size = mapping(stats.get("onnx_model_information")).get("size on disk (KiB)")
        return Model(
            key=f"folder {folder}",
            metadata=metadata,
            name=name,
            owner=string(stats.get("author")) or _OWNER,
            url=self._folder_url(folder),
            owner_url=self._owner_url,
            within=self.url,
            commit=last_commit(self.commits, folder),
            task=string(stats.get("task")),
            architecture=string(stats.get("class")),
            parameters=count(stats.get("parameters")),
            bytes=round(size * 1024) if isinstance(size, float) and 0 <= size < 1e15 else None,
        )

    def _validated(
        self, metadata: Metadata, entry: dict[str, Any], *, key: str, name: str, path: str, folder: str
    ) -> Model:
        """Return the model of a file in a page's folder, with the fields of its manifest entry."""
        self._named.add(path)
        details = mapping(entry.get("metadata"))
        tags = strings(details.get("tags"))
        return Model(
            key=key,
            metadata=metadata,
            name=name,
            owner=_OWNER,
            url=self._folder_url(folder),
            owner_url=self._owner_url,
            within=self.url,
            commit=self.commits.get(path) or last_commit(self.commits, folder),
            task=", ".join(tags[:-1]) or None,
            architecture=tags[-1] if tags else None,
            papers=self._papers.get(folder, []),
            tags=tags,
            bytes=count(details.get("model_bytes")),
        )

    @property
    def _owner_url(self) -> str:
        return self.url.rpartition("/")[0]

    def _folder_url(self, folder: str) -> str:
        return f"{self.url}/tree/main/{quote(folder)}"


def manifest_path(entry: Any) -> str | None:
    """Return the file that an entry of the manifest names."""
    return string(mapping(entry).get("model_path"))
