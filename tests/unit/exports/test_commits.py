"""Commits, branches and tags come from the clones."""

import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

from ptmtorrent_scrapy.catalog import Catalog
from ptmtorrent_scrapy.exports.export import Export
from ptmtorrent_scrapy.exports.sqlite.commits import Commit, Log
from tests.trees import record, write_hub


def clone(root: Path, path: Path) -> None:
    """Make a clone with two commits, a tag and a second branch."""

    def git(where: Path, *arguments: str) -> None:
        who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
        subprocess.run(["git", *who, *arguments], cwd=where, check=True, capture_output=True)

    upstream = root / "upstream"
    upstream.mkdir(parents=True)
    git(upstream, "init", "-q", "-b", "main")
    git(upstream, "commit", "-q", "--allow-empty", "-m", "first\n\nwhat it\nis about")
    git(upstream, "tag", "-a", "v1", "-m", "one")
    git(upstream, "commit", "-q", "--allow-empty", "-m", "second")
    git(upstream, "branch", "other")
    git(root, "clone", "-q", str(upstream), str(path))


def test_commits_and_references_are_exported(tmp_path: Path) -> None:
    root = tmp_path / "data"
    urls = [f"https://huggingface.example/org/m{n}" for n in range(3)]
    write_hub(
        root,
        records=[record(n, f"org/m{n}") for n in range(3)],
        repositories=[
            {"url": urls[0], "path": "repos/org/m0"},
            {"url": urls[1], "path": "repos/org/gone"},
            {"url": urls[2], "path": "repos/../../etc"},
        ],
    )
    clone(tmp_path, root / "huggingface" / "repos" / "org" / "m0")
    warnings: list[str] = []
    Export(Catalog(root).hubs(), tmp_path, warn=warnings.append).run(["sqlite"])
    with closing(sqlite3.connect(tmp_path / "ptmtorrent.sqlite")) as database:
        commits = database.execute(
            "SELECT c.title, c.message, a.name, c.model_id FROM hf_commit c"
            " JOIN hf_commit_to_author j ON j.hf_commit_id = c.id JOIN author a ON a.id = j.author_id"
        ).fetchall()
        assert commits == [("second", "", "Ada", 1), ("first", "what it\nis about", "Ada", 1)]
        refs = "SELECT i.name, i.ref FROM hf_git_ref_info i JOIN hf_git_ref_to_{0} j ON j.hf_git_ref_info_id = i.id"
        assert database.execute(refs.format("branch")).fetchall() == [
            ("main", "refs/heads/main"),
            ("other", "refs/heads/other"),
        ]
        assert database.execute(refs.format("tag")).fetchall() == [("v1", "refs/tags/v1")]
        target = database.execute("SELECT target_commit FROM hf_git_ref_info WHERE name = 'v1'").fetchone()
        assert target == database.execute("SELECT commit_id FROM hf_commit WHERE title = 'first'").fetchone()
        assert database.execute("PRAGMA foreign_key_check").fetchall() == []
    assert any("the commits of a clone cannot be read: huggingface/repos/../../etc" in line for line in warnings)


def test_clones_without_a_readable_history_are_few_short_lines(tmp_path: Path) -> None:
    named = [f"https://huggingface.example/org/m{n}" for n in range(12)]
    lines = [{"url": url, "path": "x" * 100_000} for url in named]
    write_hub(tmp_path, records=[record(n, f"org/m{n}") for n in range(12)], repositories=lines)
    warnings: list[str] = []
    Export(Catalog(tmp_path).hubs(), tmp_path / "exports", warn=warnings.append).run(["sqlite"])
    assert max(map(len, warnings)) < 600
    assert "the commits of 2 more clones cannot be read" in warnings


def test_commits_can_be_skipped(tmp_path: Path) -> None:
    root = tmp_path / "data"
    repositories = [{"url": "https://huggingface.example/org/m", "path": "repos/org/m"}]
    write_hub(root, records=[record(0, "org/m")], repositories=repositories)
    clone(tmp_path, root / "huggingface" / "repos" / "org" / "m")
    Export(Catalog(root).hubs(), tmp_path, with_commits=False).run(["sqlite"])
    with closing(sqlite3.connect(tmp_path / "ptmtorrent.sqlite")) as database:
        assert database.execute("SELECT count(*) FROM hf_commit").fetchone() == (0,)


def test_a_log_is_taken_apart_however_it_comes() -> None:
    text = b"a1\n2020\nAda\ntitle\nbody\n\0b2\n2021\n\xff\ntitle\n\0c3\n2022\nEve\n" + b"x" * 3_000_000
    for size in (997, 100_000):
        found: list[Commit] = []
        log = Log(found.append)
        for start in range(0, len(text), size):
            log.take(text[start : start + size])
        log.end()
        assert [commit.author for commit in found] == ["Ada", "\ufffd", "Eve"]
        assert found[0].message == "body"
        assert len(found[2].title) < 1 << 20
