"""The history of clones is counted from git alone, and the pictures are the same for the same data."""

import csv
import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from examples import code_lines
from tests.conftest import ROOT

DAY = 86_400
LARGE = b"version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize %d\n"


class History:
    """A clone that is made commit by commit."""

    def __init__(self, hub: Path, name: str) -> None:
        self.path = hub / "repos" / name
        self.path.mkdir(parents=True)
        self.git("init", "-q", "-b", "main")

    def git(self, *arguments: str, day: int = 0, author: str = "a@example.org") -> None:
        when = f"{1_600_000_000 // DAY * DAY + day * DAY} +0000"
        people = {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in
                  (("NAME", "A"), ("EMAIL", author), ("DATE", when))}  # fmt: skip
        environment = {"PATH": os.environ["PATH"], "GIT_CONFIG_NOSYSTEM": "1", **people}
        subprocess.run(["git", *arguments], cwd=self.path, env=environment, check=True, capture_output=True)

    def commit(self, day: int, author: str = "a@example.org", **files: bytes | None) -> None:
        """Commit files on a day; None removes one. In names, `__` is a dot."""
        for name, content in files.items():
            path = self.path / name.replace("__", ".")
            if content is None:
                path.unlink()
            else:
                path.write_bytes(content)
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", "change", day=day, author=author)


@pytest.fixture
def hub(tmp_path: Path) -> Path:
    history = History(tmp_path / "hub", "owner/model")
    history.commit(
        0, train__py=b"# comment\n\nimport os\n\ndef f():\n    '''Say.'''\n    return os\n", photo__png=b"\0\n\n"
    )
    history.commit(0, weights__bin=LARGE % (b"a" * 64, 5_000_000), author="b@example.org")
    history.commit(3, weights__bin=LARGE % (b"b" * 64, 7_000_000), README__md=b"<!-- x -->\n# Title\n\ntext\n")
    history.commit(5, train__py=None)
    history.git("checkout", "-q", "-b", "side", "HEAD~1")
    history.commit(6, side__py=b"x = 1\n", author="c@example.org")
    history.git("checkout", "-q", "main")
    history.git("merge", "-q", "--no-ff", "-m", "merge", "side", day=8)
    return tmp_path / "hub"


def test_days_have_what_the_main_line_had(hub: Path) -> None:
    from examples import growth  # imports matplotlib, which processes that only collect this test do not need

    (clone,) = growth.clones(hub)
    days = growth.history(clone)
    first = date(2020, 9, 13)
    found = [(day.day - first).days for day in days], [(day.commits, day.authors) for day in days]
    assert found == ([0, 3, 5, 6, 8], [(2, 2), (1, 1), (1, 1), (1, 1), (1, 1)])
    assert [(day.files, day.lines, day.weight_bytes) for day in days] == [
        (3, 3, 5_000_000),
        (4, 5, 7_000_000),
        (3, 2, 7_000_000),
        (3, 2, 7_000_000),  # on a branch that is not merged yet
        (4, 3, 7_000_000),
    ]


@pytest.mark.parametrize(
    ("name", "content", "lines"),
    [
        ("a.py", 'x = """\ntext\n"""\n"""\ndoc\n"""\ny = 1\n', 4),
        ("a.c", "/* long\n comment */\nint x; // y\n// z\n", 1),
        ("a.yaml", "# c\na: 1\n", 1),
        ("a.sql", "-- c\nSELECT 1\n", 1),
        ("Makefile", "all:\n\techo\n", 2),
        ("a.ipynb", '{"cells": [{"cell_type": "code", "source": ["x = 1\\n", "# c"]}, {"cell_type": "raw"}]}', 1),
        ("a.ipynb", "[" * 100_000, 0),
        ("LICENSE", "text\n", 0),
        ("a.json", '{\n"a": "\0"}', 0),
    ],
)  # fmt: skip
def test_lines_are_those_that_are_neither_empty_nor_a_comment(name: str, content: str, lines: int) -> None:
    assert code_lines.lines_of_code(code_lines.language_of(name.encode()), content.encode()) == lines


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command: list[str | Path] = [sys.executable, ROOT / "examples" / "growth.py", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_the_command_writes_a_table_and_the_same_picture_each_time(hub: Path, tmp_path: Path) -> None:
    History(hub, "owner/empty")
    History(hub, "$hostile_{/_weird\u202e").commit(2, a__py=b"x = 1\n")
    outputs = [tmp_path / "one", tmp_path / "two"]
    ended = [run(hub, "-o", output) for output in outputs]
    assert [each.returncode for each in ended] == [0, 0], ended[0].stderr
    assert "skipped owner/empty: git: fatal: ambiguous argument" in ended[0].stderr
    rows = list(csv.DictReader((outputs[0] / "growth.csv").read_text().splitlines()))
    assert len(rows) == 6
    for name in ("growth.csv", "growth.svg", "growth.png"):
        assert (outputs[0] / name).read_bytes() == (outputs[1] / name).read_bytes()
    svg = (outputs[0] / "growth.svg").read_text()
    assert "owner/model" in svg
    assert "all 2 repositories" in svg


def test_a_selection_is_a_pattern_and_nothing_to_plot_is_an_error(hub: Path, tmp_path: Path) -> None:
    from examples import growth

    ended = run(hub, "nobody/*", "-o", tmp_path)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "no clone with a commit" in ended.stderr
    assert growth.clones(hub, ["owner/m*"]) == [hub / "repos" / "owner" / "model"]
