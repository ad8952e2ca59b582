"""The list of the files of all clones."""

import json
from pathlib import Path

from ptmtorrent_scrapy.cloning.file_list import write_file_list
from ptmtorrent_scrapy.git import tree_files
from ptmtorrent_scrapy.storage.tree import DataTree


def test_the_files_of_all_clones(tmp_path: Path) -> None:
    tree = DataTree(tmp_path, "hub")
    paths = {name: f"repos/o/{name}" for name in ("a", "b", "old")} | {"missing": None}
    lines = [{"url": f"https://hub/o/{name}", "path": path} for name, path in paths.items()]
    tree.repositories.parent.mkdir(parents=True)
    tree.repositories.write_text("".join(json.dumps(line) + "\n" for line in lines))
    for name in ("a", "b", "unlisted"):
        path = tree_files.path(tree.folder / "repos" / "o" / name)
        path.parent.mkdir(parents=True)
        path.write_text('{"path":"x","size":1,"blob":"0"}\n{"path":"y","size":2,"blob":"1"}\n')
    write_file_list(tree)
    found = [json.loads(line) for line in tree.files.read_text().splitlines()]
    assert [(line["repository"], line["path"]) for line in found] == [
        *(("https://hub/o/a", path) for path in ("x", "y")),
        *(("https://hub/o/b", path) for path in ("x", "y")),
    ]
    assert found[0] == {"repository": "https://hub/o/a", "path": "x", "size": 1, "blob": "0"}
