"""How the results of all clones decide how a crawl ends."""

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


@pytest.mark.parametrize("status", [CloneStatus.FAILED, CloneStatus.REFUSED, CloneStatus.GATED])
def test_all_repositories_that_fail_for_one_reason_are_a_failure(status: CloneStatus) -> None:
    results = [_failed(number, f"https://hub.example/o/m{number}: protocol not allowed", status) for number in range(3)]
    reason, problem = _ending(*results)
    assert reason == FinishReason.FAILED
    assert problem is not None
    assert "all 3 repositories failed" in problem


def test_other_results_are_no_failure() -> None:
    cloned = CloneResult(url="https://hub.example/o/m9", status=CloneStatus.CLONED)
    assert _ending(_failed(1, "no"), _failed(2, "no"), cloned) == (None, None)
    assert _ending(_failed(1, "bad object"), _failed(2, "symbolic link")) == (None, None)
    assert _ending(_failed(1, "bad object")) == (None, None)
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


def test_a_disk_that_is_full_is_said_once() -> None:
    state = CrawlState()
    ending = Ending(state)
    ending.lack(FinishReason.NO_SPACE, "no room for large files")
    ending.stop(FinishReason.NO_SPACE, "the disk is full")
    assert (ending.stopped, state.problem) == (FinishReason.NO_SPACE, "no room for large files")
