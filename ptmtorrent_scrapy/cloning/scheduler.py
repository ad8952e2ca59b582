"""Clone scheduler: rank order, delayed retries, pauses of hosts."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ptmtorrent_scrapy.crawl.backoff import LONGEST, backoff
from ptmtorrent_scrapy.crawl.database import CrawlDatabase, ListedRepository

_SOON = 1.0  # seconds
# consecutive pauses of a host without a success: over an hour if they double from one second
_PATIENCE = 12


@dataclass(frozen=True, order=True)
class Job:
    """A repository to clone or to ask for its commit."""

    position: int
    listed: ListedRepository
    tries: int = 0  # that failed before


class _Host:
    """The queue of one host, and the end of its pause."""

    def __init__(self, listed: Iterator[ListedRepository]) -> None:
        self._listed = listed
        self.head = next(listed, None)
        self.not_before = 0.0
        self.strikes = 0
        self.taken = 0  # running jobs

    def take(self) -> Job:
        assert self.head is not None
        job = Job(self.head.position, self.head)
        self.head = next(self._listed, None)
        return job


class CloneScheduler:
    """Assigns the repositories of a listing."""

    def __init__(
        self,
        listing: CrawlDatabase,
        *,
        pause: float,
        max_wait: float = LONGEST,
        places: int = 1,
        after: int = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare it; `pause` is in seconds before the first retry, `places` the number of jobs at the same time."""
        hosts = listing.hosts(after=after)
        self._hosts = {host: _Host(listing.repositories(host, after=after)) for host in hosts}
        self._again: list[tuple[float, Job]] = []  # not before this time
        self._max_wait = max_wait  # seconds, the longest pause that a host can ask for
        self._pause = pause  # seconds before the first repetition; each further one waits twice as long
        self._places = places
        self._clock = clock
        self._taken = 0  # that may come back
        self._changed = asyncio.Event()
        self._ended = False

    async def next(self) -> Job | None:
        """Wait for the next job; None when nothing is left."""
        while True:
            self._changed.clear()
            if self._ended:
                return None
            if job := self._ready():
                self._taken += 1
                self._hosts[job.listed.host].taken += 1
                return job
            if not self._left():
                return None
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), self._wait())

    def done(self, job: Job, *, well: bool) -> None:
        """End a job; `well` if its host answered."""
        if well:
            self._hosts[job.listed.host].strikes = 0
        self._give_back(job)

    def retry(self, job: Job) -> None:
        """Queue a job again after a pause that doubles each time."""
        wait = backoff(self._pause, job.tries)
        self._again.append((self._clock() + wait, Job(job.position, job.listed, job.tries + 1)))
        self._give_back(job)

    def requeue(self, job: Job) -> None:
        """Queue a job again without counting an attempt."""
        self._again.append((self._clock() + _SOON, job))
        self._give_back(job)

    def stop(self) -> None:
        """Assign no further job, and wake up the waiting workers."""
        self._ended = True
        self._changed.set()

    def pause_host(self, host: str, seconds: float | None) -> float:
        """Pause a host as long as it demands, else twice as long each time; return the seconds added to its pause."""
        state, now = self._hosts[host], self._clock()
        if now >= state.not_before:
            state.strikes += 1
        wait = backoff(self._pause, state.strikes - 1) if seconds is None else min(seconds, self._max_wait)
        former, state.not_before = state.not_before, max(state.not_before, now + wait)
        return state.not_before - max(former, now)

    def paused_until(self, host: str) -> float:
        """Return the time at which the pause of a host ends."""
        return self._hosts[host].not_before

    def is_given_up(self, host: str) -> bool:
        """Return whether a host was paused so often that this crawl does not ask it again."""
        return self._hosts[host].strikes > _PATIENCE

    @property
    def are_all_given_up(self) -> bool:
        """Return whether all hosts were given up."""
        return bool(self._hosts) and all(map(self.is_given_up, self._hosts))

    def _give_back(self, job: Job) -> None:
        self._taken -= 1
        self._hosts[job.listed.host].taken -= 1
        self._changed.set()

    def _ready(self) -> Job | None:
        now = self._clock()
        open_hosts = self._within_share({name: host for name, host in self._hosts.items() if host.not_before <= now})
        waiting = [(at, job) for at, job in self._again if at <= now and job.listed.host in open_hosts]
        if waiting:
            first = min(waiting)
            self._again.remove(first)
            return first[1]
        heads = [(host.head.position, host) for host in open_hosts.values() if host.head is not None]
        return min(heads, key=lambda each: each[0])[1].take() if heads else None

    def _within_share(self, open_hosts: dict[str, "_Host"]) -> dict[str, "_Host"]:
        """Return the hosts with less than their fair share of places, if any, so that no host takes all places."""
        again = {job.listed.host for _, job in self._again}
        waiting = {name: host for name, host in open_hosts.items() if host.head or name in again}
        share = max(1, -(-self._places // max(1, len(waiting))))
        return {name: host for name, host in waiting.items() if host.taken < share} or waiting

    def _left(self) -> bool:
        return bool(self._taken or self._again or any(host.head for host in self._hosts.values()))

    def _wait(self) -> float | None:
        """Return the seconds until a job may be ready; None if that depends on the running jobs."""
        now = self._clock()
        times = [max(at, self._hosts[job.listed.host].not_before) for at, job in self._again]
        times += [host.not_before for host in self._hosts.values() if host.head]
        return max(0.0, min(times) - now) if times else None
