"""Links to repositories."""

import json

import pytest

from ptmtorrent_scrapy.formats.repository_urls import Repositories, repository


@pytest.mark.parametrize(
    ("link", "url", "folder"),
    [
        ("https://github.com/a/b/tree/main/c", "https://github.com/a/b", "a/b"),
        (" http://www.github.com/a/b.git/ ", "https://github.com/a/b", "a/b"),
        ("git@github.com:a/b.git", "https://github.com/a/b", "a/b"),
        ("git://github.com/a/b.git", "https://github.com/a/b", "a/b"),
        ("https://user:secret@github.com/a/b", "https://github.com/a/b", "a/b"),
        ("https://raw.githubusercontent.com/a/b/main/c.py", "https://github.com/a/b", "a/b"),
        ("https://gist.github.com/a/0123abcd/raw/c.py", "https://gist.github.com/0123abcd", "gist.github.com/0123abcd"),
        ("https://gist.github.com/0123abcd", "https://gist.github.com/0123abcd", "gist.github.com/0123abcd"),
        ("https://gitlab.com/a/b/c/-/blob/main/d", "https://gitlab.com/a/b/c", "gitlab.com+a+b/c"),
        ("https://gitlab.example.org/a/b/tree/main", "https://gitlab.example.org/a/b", "gitlab.example.org+a/b"),
        ("https://example.org/a/b.git", "https://example.org/a/b.git", "example.org+a/b"),
        ("ssh://git@github.com:22/a/b.git", "https://github.com/a/b", "a/b"),
        ("ssh://git@ssh.github.com:443/a/b.git", "https://github.com/a/b", "a/b"),
        ("git@github.com/a/b", "https://github.com/a/b", "a/b"),
        ("git+https://github.com/a/b.git@v1.0#egg=b", "https://github.com/a/b", "a/b"),
        ("git+ssh://git@github.com/a/b.git", "https://github.com/a/b", "a/b"),
        ("HTTPS://GitHub.com/A/B", "https://github.com/A/B", "A/B"),
        ("https://github.com:443/a/b", "https://github.com/a/b", "a/b"),
        ("https://github.com//a//b//", "https://github.com/a/b", "a/b"),
        ("<https://github.com/a/b>", "https://github.com/a/b", "a/b"),
        ("https://github.com/a/b.", "https://github.com/a/b", "a/b"),
        ("https://github.com/a/b#readme", "https://github.com/a/b", "a/b"),
        ("https://github.com/a/b?tab=readme-ov-file", "https://github.com/a/b", "a/b"),
        ("https://github.com/a/b/blob/master/models.git/c.py", "https://github.com/a/b", "a/b"),
        ("https://github.com/a/b/releases/tag/v1", "https://github.com/a/b", "a/b"),
        ("https://github.com/a/b/wiki/Home", "https://github.com/a/b", "a/b"),
        ("https://github.com/a/b.wiki.git", "https://github.com/a/b", "a/b"),
        ("https://github.com/a/b/archive/refs/heads/main.zip", "https://github.com/a/b", "a/b"),
        ("https://github.com/a/b/pull/4/files", "https://github.com/a/b", "a/b"),
        ("https://github.com/a/.github", "https://github.com/a/.github", "a/.github"),
        ("https://github.com/a/b.github.io", "https://github.com/a/b.github.io", "a/b.github.io"),
        ("https://raw.githubusercontent.com/a/b/main/c.git", "https://github.com/a/b", "a/b"),
        ("https://raw.githubusercontent.com/wiki/a/b/c.png", "https://github.com/a/b", "a/b"),
        ("https://raw.github.com/a/b/master/c", "https://github.com/a/b", "a/b"),
        ("https://media.githubusercontent.com/media/a/b/main/c", "https://github.com/a/b", "a/b"),
        ("https://codeload.github.com/a/b/zip/refs/heads/main", "https://github.com/a/b", "a/b"),
        ("https://api.github.com/repos/a/b/contents", "https://github.com/a/b", "a/b"),
        ("https://colab.research.google.com/github/a/b/blob/main/c.ipynb", "https://github.com/a/b", "a/b"),
        ("https://gist.githubusercontent.com/a/01ab/raw", "https://gist.github.com/01ab", "gist.github.com/01ab"),
        ("https://gitlab.com/a/b/-/blob/main/c.git/d", "https://gitlab.com/a/b", "gitlab.com+a/b"),
        ("https://gitlab.com/a/b/merge_requests/1", "https://gitlab.com/a/b", "gitlab.com+a/b"),
        ("https://bitbucket.org/a/b/src/master/", "https://bitbucket.org/a/b", "bitbucket.org+a/b"),
        ("https://codeberg.org/a/b/src/branch/main/c", "https://codeberg.org/a/b", "codeberg.org+a/b"),
        ("https://example.org/a/b.git/info/refs", "https://example.org/a/b.git", "example.org+a/b"),
        ("https://git.sr.ht/~a/b/tree/main/item/c", "https://git.sr.ht/~a/b", "git.sr.ht+~a/b"),
        ("https://git.sr.ht/~a/b", "https://git.sr.ht/~a/b", "git.sr.ht+~a/b"),
    ],
)
def test_a_link_names_a_repository(link: str, url: str, folder: str) -> None:
    named = repository(link)
    assert named is not None
    assert (named.url, named.folder) == (url, folder)


@pytest.mark.parametrize(
    "link",
    [
        *(
            "",
            "text",
            "https://github.com/a",
            "https://github.com/topics/gan",
            "https://github.com/mobile/x",
            "https://bitbucket.org/team/workspace/projects/ML",
            "https://gist.github.com/someone",
        ),
        *(
            "https://example.org/a/b",
            "https://github.com/a/..",
            "https://github.com/%2e%2e/b",
            "https://github.com/a/.git",
        ),
        *("https://github.com:8080/a/b", "file:///github.com/a/b", "https://[github.com/a/b", "https://gitlab.com/a"),
        *("https://github.com/a?tab=repositories", "https://github.com/orgs/a/repositories", "https://a.github.io/b"),
        *("https://github.com/login?return_to=%2Fa%2Fb", "https://github.com/a%2Fb", "https://github.com/a/../b/c"),
        *("https://github.com/a/.git.git", "a/.git", "https://github.com/a/b@v1", "https://api.github.com/users/a"),
        *(
            "https://colab.research.google.com/drive/1abc",
            "https://gitlab.com/groups/a/-/activity",
            "ftp://github.com/a/b",
        ),
        *("https://bitbucket.org/product/features", "https://user-images.githubusercontent.com/1/c.png"),
        *("https://web.archive.org/web/2020/https://github.com/a/b", "https://github.com/" + "a" * 3000 + "/b"),
        *(
            "https://github.com/a/b c",
            "https://github.com/a/b\x00",
            "https://github.com.example.org/a/b",
            "javascript:1",
        ),
    ],
)
def test_a_link_that_names_no_repository(link: str) -> None:
    assert repository(link) is None


def test_a_repository_keeps_its_first_spelling() -> None:
    repositories = Repositories()
    first = repositories.named("https://github.com/Owner/Name")
    assert repositories.named("https://github.com/owner/name") is first
    assert json.dumps(first.folder if first else None) == '"Owner/Name"'
