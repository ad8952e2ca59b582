"""The results of all clones decide how a crawl ends."""

from dataclasses import replace

import pytest

from ptmtorrent_scrapy.cloning.ending import Ending
from ptmtorrent_scrapy.crawl.state import CrawlState, FinishReason
from ptmtorrent_scrapy.git.models import CloneResult, CloneStatus, FailureKind


def _ending(*results: CloneResult) -> tuple[FinishReason | None, str | None]:
    state = CrawlState()
    ending = Ending(state)
    for result in results:
        ending.note(result)
    ending.judge()
    return ending.reason, state.problem


def _failed(number: int, error: str, status: CloneStatus = CloneStatus.FAILED) -> CloneResult:
    return CloneResult(url=f"https://hub.example/o/m{number}", status=status, error=error)


@pytest.mark.parametrize(
    ("status", "ended"),
    [
        (CloneStatus.FAILED, "failed"),
        (CloneStatus.REFUSED, "are refused"),
        (CloneStatus.GATED, "are gated"),
    ],
)
def test_all_repositories_that_fail_are_a_failure(status: CloneStatus, ended: str) -> None:
    errors = ("its HEAD cannot be read", "protocol not allowed", "HTTP 500")
    reason, problem = _ending(*(_failed(number, error, status) for number, error in enumerate(errors)))
    assert (reason, problem) == (FinishReason.FAILED, f"all 3 repositories {ended}: HTTP 500")


def test_one_repository_that_fails_is_a_failure() -> None:
    assert _ending(_failed(1, "bad object")) == (FinishReason.FAILED, "the only repository failed: bad object")


def test_other_results_are_no_failure() -> None:
    cloned = CloneResult(url="https://hub.example/o/m9", status=CloneStatus.CLONED)
    assert _ending(_failed(1, "no"), _failed(2, "no"), cloned) == (None, None)
    assert _ending(_failed(1, "no"), _failed(2, "unsafe", CloneStatus.REFUSED)) == (None, None)
    assert _ending(_failed(1, "it is too deep", CloneStatus.REFUSED)) == (None, None)
    assert _ending(_failed(1, "no token", CloneStatus.GATED)) == (None, None)
    assert _ending() == (None, None)
    changed = [replace(_failed(number, "local changes: a"), failure=FailureKind.LOCAL_CHANGES) for number in range(3)]
    assert _ending(*changed) == (None, None)


def test_servers_that_cannot_be_asked_are_a_failure() -> None:
    state = CrawlState()
    ending = Ending(state)
    ending.unanswered("could not resolve host")
    ending.judge()
    assert ending.reason == FinishReason.UNREACHABLE
    assert "could not resolve host" in str(state.problem)


def test_one_answer_is_enough() -> None:
    ending = Ending(CrawlState())
    ending.unanswered("could not resolve host")
    ending.answered()
    ending.judge()
    assert ending.reason is None


def test_a_crawl_says_one_problem() -> None:
    state = CrawlState()
    ending = Ending(state)
    ending.stop(FinishReason.NO_SPACE, "the disk\nis full")
    ending.lack(FinishReason.FAILED, "another one")
    assert (ending.reason, state.problem) == (FinishReason.NO_SPACE, "the disk is full")


def test_a_full_disk_is_reported_once() -> None:
    state = CrawlState()
    ending = Ending(state)
    ending.lack(FinishReason.NO_SPACE, "no room for large files")
    ending.stop(FinishReason.NO_SPACE, "the disk is full")
    assert (ending.stopped, state.problem) == (FinishReason.NO_SPACE, "no room for large files")
