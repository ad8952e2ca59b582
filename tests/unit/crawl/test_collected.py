"""The content of a tree at the end of a crawl."""

import json
from pathlib import Path

from ptmtorrent_scrapy.crawl.collected import measure
from ptmtorrent_scrapy.storage.tree import DataTree

LINES = (
    {"url": "https://hub/o/a", "path": "repos/o/a", "status": "cloned", "git_bytes": 5, "lfs_bytes": 3},
    {"url": "https://hub/o/b", "path": "repos/o/b", "status": "current", "git_bytes": 7, "lfs_bytes": 3},
    {"url": "https://hub/o/old", "path": None, "status": "gated", "started": "2026-11-25T09:00:00+00:00"},
    {"url": "https://hub/o/new", "path": None, "status": "failed", "started": "2026-11-26T02:31:45+00:00"}
    | {"error": "https://hub/o/new: it broke"},
)


def test_bytes_on_disk_bytes_shared_and_the_failures_of_this_crawl(tmp_path: Path) -> None:
    tree = DataTree(tmp_path, "hub")
    tree.repositories.parent.mkdir(parents=True)
    tree.repositories.write_text("".join(json.dumps(line) + "\n" for line in LINES))
    (tree.store / "objects" / "aa").mkdir(parents=True)
    (tree.store / "objects" / "aa" / "object").write_bytes(b"123")
    collected = measure(tree, "2026-11-26T02:31:45.517+00:00")
    assert (collected.git_bytes, collected.lfs_bytes, collected.disk_bytes, collected.shared_bytes) == (12, 3, 15, 3)
    assert collected.failures == {"failed: it broke": 1}
