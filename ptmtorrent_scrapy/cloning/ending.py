"""Reasons why a crawl starts no further clone, or ends with status 1 after all of them."""

import logging
from collections import Counter

from ptmtorrent_scrapy.crawl.state import CrawlState, FinishReason
from ptmtorrent_scrapy.git.models import CloneResult, CloneStatus, FailureKind

logger = logging.getLogger(__name__)

_FAILURES = (CloneStatus.FAILED, CloneStatus.REFUSED, CloneStatus.GATED)


class Ending:
    """Keeps the reason why the cloning of a crawl ends, and logs it once."""

    def __init__(self, state: CrawlState) -> None:
        self._state = state
        self.stopped: FinishReason | None = None  # no further clone is started
        self._incomplete: FinishReason | None = None  # something is missing
        self._results = 0
        self._failures: Counter[CloneStatus] = Counter()
        self._error = ""  # of the last failure
        self._unasked: str | None = None  # why the server of a repository could not be reached
        self._answers = 0

    @property
    def reason(self) -> FinishReason | None:
        return self.stopped or self._incomplete

    def stop(self, reason: FinishReason, problem: str) -> None:
        """Start no further clone; running clones are finished."""
        if self.stopped is None:
            self.stopped = reason
            if self._incomplete != reason:  # otherwise it was logged before
                self._report(problem)

    def lack(self, reason: FinishReason, problem: str) -> None:
        """Note that something is missing, and continue."""
        if self.reason is None:
            self._incomplete = reason
            self._report(problem)

    def note(self, result: CloneResult) -> None:
        """Note a result."""
        self._results += 1
        if result.status in _FAILURES and result.failure != FailureKind.LOCAL_CHANGES:
            self._failures[result.status] += 1
            self._error = result.error or ""

    def answered(self) -> None:
        """Note that the server of a repository answered."""
        self._answers += 1

    def unanswered(self, error: str) -> None:
        """Note that the server of a repository could not be reached."""
        self._unasked = error

    def judge(self) -> None:
        """Judge all results together: a crawl in which every repository failed, or was refused, has failed."""
        if self._unasked is not None and not self._answers:
            self.lack(FinishReason.UNREACHABLE, f"no repository's server could be reached: {self._unasked}")
        elif self._all_failed():
            status, number = self._failures.most_common(1)[0]
            named = "the only repository" if number == 1 else f"all {number} repositories"
            ended = "failed" if status == CloneStatus.FAILED else f"are {status}"
            self.lack(FinishReason.FAILED, f"{named} {ended}: {self._error}")

    def _all_failed(self) -> bool:
        """Return whether all results are failures of the same kind; a single refused or gated one does not count."""
        status = next(iter(self._failures), None)
        is_enough = self._results > 1 or status == CloneStatus.FAILED
        return status is not None and self._failures[status] == self._results and is_enough

    def _report(self, problem: str) -> None:
        self._state.problem = " ".join(problem.split())
        logger.error("%s", self._state.problem)
