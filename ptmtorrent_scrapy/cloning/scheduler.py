"""Whose turn it is: repositories by rank, those that failed after a pause, none of a host that wants its peace."""

import asyncio
import contextlib
import heapq
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ptmtorrent_scrapy.crawl.database import CrawlDatabase, ListedRepository

_LONGEST_PAUSE = 3600.0  # seconds
_SOON = 1.0  # seconds
_PATIENCE = (
    12  # pauses of a host in a row, without a repository that it gave: over an hour if they double from a second
)


@dataclass(frozen=True, order=True)
class Job:
    """A repository that is to be taken up."""

    position: int
    listed: ListedRepository
    tries: int = 0  # that failed before


class _Host:
    """The repositories of one host, and how it is."""

    def __init__(self, listed: Iterator[ListedRepository]) -> None:
        self._listed = listed
        self.head = next(listed, None)
        self.not_before = 0.0
        self.strikes = 0

    def take(self) -> Job:
        assert self.head is not None
        turn = Job(self.head.position, self.head)
        self.head = next(self._listed, None)
        return turn


class CloneScheduler:
    """Gives the repositories of a listing to those who work on them."""

    def __init__(self, listing: CrawlDatabase, *, pause: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._hosts = {host: _Host(listing.repositories(host)) for host in listing.hosts()}
        self._again: list[tuple[float, Job]] = []  # a heap: not before this time
        self._pause = pause  # seconds before the first repetition; each further one waits twice as long
        self._clock = clock
        self._taken = 0  # that may come back
        self._changed = asyncio.Event()
        self._ended = False

    async def next(self) -> Job | None:
        """Who is next, once it is its turn; None where nobody is left."""
        while True:
            self._changed.clear()
            if self._ended:
                return None
            if turn := self._ready():
                self._taken += 1
                return turn
            if not self._left():
                return None
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), self._wait())

    def done(self, turn: Job, *, well: bool) -> None:
        """A repository needs no further turn; `well` if its host gave what it was asked for."""
        if well:
            self._hosts[turn.listed.host].strikes = 0
        self._give_back()

    def again(self, turn: Job) -> None:
        """A repository is to have another turn, after a pause that grows."""
        wait = self._grown(turn.tries)
        heapq.heappush(self._again, (self._clock() + wait, Job(turn.position, turn.listed, turn.tries + 1)))
        self._give_back()

    def soon(self, turn: Job) -> None:
        """A repository is to have its turn once more, as if nothing had been."""
        heapq.heappush(self._again, (self._clock() + _SOON, turn))
        self._give_back()

    def end(self) -> None:
        """Give no further turn, and let nobody wait for one."""
        self._ended = True
        self._changed.set()

    def leave_alone(self, host: str, seconds: float | None) -> None:
        """Let nobody ask a host, for as long as it says, else for a pause that grows."""
        state, now = self._hosts[host], self._clock()
        if now >= state.not_before:
            state.strikes += 1
        wait = self._grown(state.strikes - 1) if seconds is None else seconds
        state.not_before = max(state.not_before, now + wait)

    def free_at(self, host: str) -> float:
        """Until when a host is left alone."""
        return self._hosts[host].not_before

    def is_given_up(self, host: str) -> bool:
        """Whether a host was left alone so often that nothing more is expected of it in this crawl."""
        return self._hosts[host].strikes > _PATIENCE

    @property
    def are_all_given_up(self) -> bool:
        """Whether nothing is expected of any host."""
        return bool(self._hosts) and all(map(self.is_given_up, self._hosts))

    def _grown(self, times: int) -> float:
        return min(self._pause * 2.0 ** min(times, 30), _LONGEST_PAUSE)

    def _give_back(self) -> None:
        self._taken -= 1
        self._changed.set()

    def _ready(self) -> Job | None:
        now = self._clock()
        open_hosts = {name: host for name, host in self._hosts.items() if host.not_before <= now}
        waiting = [(at, turn) for at, turn in self._again if at <= now and turn.listed.host in open_hosts]
        if waiting:
            first = min(waiting)
            self._again.remove(first)
            heapq.heapify(self._again)
            return first[1]
        heads = [(host.head.position, host) for host in open_hosts.values() if host.head is not None]
        return min(heads, key=lambda each: each[0])[1].take() if heads else None

    def _left(self) -> bool:
        return bool(self._taken or self._again or any(host.head for host in self._hosts.values()))

    def _wait(self) -> float | None:
        """Seconds until somebody may be ready; None where that depends on those who work."""
        now = self._clock()
        times = [max(at, self._hosts[turn.listed.host].not_before) for at, turn in self._again]
        times += [host.not_before for host in self._hosts.values() if host.head]
        return max(0.0, min(times) - now) if times else None
