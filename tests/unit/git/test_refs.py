"""The HEAD of a clone follows from the references of its server."""

import subprocess

from ptmtorrent_scrapy.git.refs import Head, ServerRefs, parse

A, B, C = "a" * 40, "b" * 40, "c" * 40


def refs(head: str | None = None, branch: str | None = None, **branches: str) -> ServerRefs:
    return ServerRefs(branch=branch, head=head, branches=branches, tags={})


def test_the_output_of_ls_remote() -> None:
    listing = f"ref: refs/heads/main\tHEAD\n{A}\tHEAD\n{A}\trefs/heads/main\n{B}\trefs/heads/x/\x85y\n"
    listing += f"{C}\trefs/tags/v1\n{A}\trefs/tags/v1^{{}}\n{B}\trefs/heads/HEAD\n{B}\trefs/pull/1/head\n"
    assert parse(listing.encode()) == ServerRefs(
        branch="main", head=A, branches={"main": A, "x/\x85y": B}, tags={"v1": C}
    )
    assert parse(b"").is_empty


def test_names_that_git_ignores_are_ignored() -> None:
    names = [
        "@",
        "a{b",
        "a\x85",
        "a b",
        "a..b",
        "a.",
        "a.lock",
        "a/.b",
        "a//b",
        "a@{b",
        "a\\b",
        "a\x7f",
        "../../config",
        ".a",
    ]
    listing = "".join(f"{A}\trefs/heads/{name}\n" for name in names)
    accepted = [
        name
        for name in names
        if not subprocess.run(["git", "check-ref-format", f"refs/heads/{name}"], check=False).returncode
    ]
    assert list(parse(listing.encode()).branches) == accepted == names[:3]


def test_head_decides() -> None:
    assert refs(A, "main", main=A, other=B).target(B) == Head("main", A)


def test_a_detached_head_is_given_the_branch_that_git_would_guess() -> None:
    assert refs(A, None, a=A, master=A, main=B).target(None) == Head("master", A)
    assert refs(A, None, main=B).target(None) == Head(None, A)


def test_a_head_that_names_no_branch() -> None:
    assert refs(None, "main", a=A, b=B).target(B) == Head("b", B)
    assert refs(None, "main", a=A).target(B) == Head("a", A)
    assert refs(None, "main", a=A, b=B).target(C) is None
