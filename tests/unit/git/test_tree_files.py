"""The files of a commit for files.jsonl."""

import json
import os
import subprocess
from pathlib import Path

from ptmtorrent_scrapy.git import tree_files
from ptmtorrent_scrapy.git.command import Command
from ptmtorrent_scrapy.git.environment import environment
from ptmtorrent_scrapy.git.lfs.pointers import Pointer
from tests.hubs.content import Files, Large, Repository, Submodule, write_bare

WEIGHTS, MORE = Large(b"weights " * 500), Large(b"more " * 500)


def test_the_files_of_a_commit(tmp_path: Path) -> None:
    files: Files = {"a.txt": b"text", "d/w.bin": WEIGHTS, "m.bin": MORE, "sub": Submodule("1" * 40), "\u00e4": b""}
    head, objects = Repository([files]).objects()
    write_bare(tmp_path / "served", head, objects, "main")
    subprocess.run(["git", "clone", "-q", tmp_path / "served", tmp_path / "clone"], check=True)
    clone, git = tmp_path / "clone", Command(scope="", environment=environment(timeout=60), timeout=60)
    stored, other = (Pointer(each.oid, len(each.body)) for each in (WEIGHTS, MORE))
    size = tree_files.write(git, clone, head or "", {b"d/w.bin": stored, b"m.bin": other}, {stored})
    lines = [json.loads(line) for line in tree_files.read(clone, "https://hub/o/m")]
    assert {line["repository"] for line in lines} == {"https://hub/o/m"}
    by_path = {line["path"]: line for line in lines}
    assert by_path.keys() == {"a.txt", "d/w.bin", "m.bin", "\u00e4"}
    assert by_path["a.txt"].keys() == {"repository", "path", "size", "blob"}
    assert (by_path["d/w.bin"]["sha256"], by_path["d/w.bin"]["state"]) == (WEIGHTS.oid, "stored")
    assert (by_path["m.bin"]["size"], by_path["m.bin"]["state"]) == (len(MORE.body), "pointer")
    listed = subprocess.run(["git", "rev-parse", "HEAD:a.txt"], cwd=clone, capture_output=True, text=True).stdout
    assert by_path["a.txt"]["blob"] == listed.strip()
    assert size == 4 + len(WEIGHTS.body) + len(MORE.body) == sum(line["size"] for line in lines)


def test_names_that_are_not_utf8(tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    subprocess.run(["git", "init", "-q", clone], check=True)
    (clone / os.fsdecode(b"\xff.txt")).write_bytes(b"x")
    subprocess.run(["git", "add", "."], cwd=clone, check=True)
    tree = subprocess.run(["git", "write-tree"], cwd=clone, capture_output=True, text=True, check=True).stdout.strip()
    git = Command(scope="", environment=environment(timeout=60), timeout=60)
    assert tree_files.write(git, clone, tree, {}) == 1
    assert [json.loads(line)["path"] for line in tree_files.read(clone, "u")] == ["\\xff.txt"]
