"""Unusable programs are recognised before a crawl begins."""

from pathlib import Path

import pytest

from ptmtorrent_scrapy.git.programs import Unusable, version


@pytest.mark.parametrize(
    ("script", "found"),
    [
        ("#!/bin/sh\necho git version 1.8.3.1\n", "1.8.3 is too old; install 2.39 or later"),
        ("#!/bin/sh\necho cannot execute >&2; exit 126\n", "--version says: cannot execute; install it again"),
        ("#!/bin/sh\necho git version 2.50.0; exit 1\n", "--version says: git version 2.50.0; install it again"),
        ("#!/no/such/interpreter\n", "No such file or directory; install it again"),
        ("#!/bin/sh\nprintf '\\377'\n", "it does not answer; install it again"),
        (None, "is not installed; install it, on Debian with: apt-get install git"),
        ("#!/bin/sh\necho git version 2.50.0\n", None),
    ],
)
def test_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str | None, found: str | None) -> None:
    if script is not None:
        (tmp_path / "git").write_text(script)
        (tmp_path / "git").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    if found is None:
        assert version("git") == (2, 50, 0)
        return
    with pytest.raises(Unusable) as raised:
        version("git")
    assert str(raised.value).endswith(found)
