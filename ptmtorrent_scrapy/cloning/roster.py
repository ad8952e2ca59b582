"""The workers of a cluster: which of them can clone, and which clones they run."""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from ptmtorrent_scrapy.cloning.dask_connection import ANSWER, Connection
from ptmtorrent_scrapy.cloning.executor import ClusterLost
from ptmtorrent_scrapy.cloning.probe import Prover, prove

logger = logging.getLogger(__name__)

_PROVE = 30.0  # seconds within which a worker must prove itself
_SILENCE = 3  # questions without an answer, of ANSWER seconds each, after which a worker gets no further clone


class WorkerState(StrEnum):
    """State of a worker, which decides whether it gets clones."""

    PROVING = "proving"
    READY = "ready"
    SILENT = "silent"  # does not answer; it may come back
    UNFIT = "unfit"  # failed to prove itself: gets no clone


@dataclass(eq=False)
class Worker:
    """One worker."""

    address: str
    host: str
    threads: int
    state: WorkerState = WorkerState.PROVING
    under_way: int = 0
    unanswered: int = 0
    silent_since: float = 0.0
    is_asked: bool = False
    gone: asyncio.Event = field(default_factory=asyncio.Event)  # its clones are to be done by others

    @property
    def load(self) -> float:
        return self.under_way / max(1, self.threads)


class Roster:
    """Checks workers and assigns them, the least loaded one first."""

    def __init__(
        self, name: str, prover: Prover, *, patience: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Prepare it; `name` is the cluster's name in messages, `patience` the seconds to wait for a worker."""
        self._name = name
        self._prover = prover
        self._patience = patience
        self._clock = clock
        self._workers: dict[str, Worker] = {}
        self._changed = asyncio.Condition()
        self._nobody_since: float | None = None
        self._is_current = False  # the scheduler has listed its workers since the last loss
        self._reasons: list[str] = []  # why workers cannot clone
        self._tasks: set[asyncio.Task[None]] = set()

    async def update(self, connection: Connection, listed: dict[str, dict[str, Any]]) -> None:
        """Compare with the workers that the scheduler lists; check that those with clones are alive."""
        self._is_current = True
        for address in [address for address in self._workers if address not in listed]:
            self._workers.pop(address).gone.set()
        for address, row in listed.items():
            if address not in self._workers:
                self._workers[address] = worker = Worker(address, str(row.get("host")), int(row.get("nthreads") or 1))
                self._start(self.prove(connection, worker))
        for worker in self._workers.values():
            if worker.state in (WorkerState.READY, WorkerState.SILENT) and not worker.is_asked:
                worker.is_asked = True
                self._start(self._ask(connection, worker))
        self._note_nobody()
        async with self._changed:
            self._changed.notify_all()

    async def clear(self) -> None:
        """Forget all workers: the scheduler was lost."""
        for worker in self._workers.values():
            worker.gone.set()
        self._workers.clear()
        self._is_current, self._nobody_since = False, None
        for task in self._tasks:
            task.cancel()
        async with self._changed:
            self._changed.notify_all()

    async def take(self) -> Worker:
        """Return the least loaded worker, once there is one; the caller must give it back. Raise `ClusterLost`."""
        async with self._changed:
            while True:
                ready = [worker for worker in self._workers.values() if worker.state == WorkerState.READY]
                if ready:
                    worker = min(ready, key=lambda each: each.load)
                    worker.under_way += 1
                    return worker
                if self._nobody_since is not None and self._clock() - self._nobody_since >= self._patience:
                    raise ClusterLost(
                        f"{self._name} has no worker that can clone{self._why()}; start one and crawl again"
                    )
                try:
                    await asyncio.wait_for(self._changed.wait(), 1.0)
                except TimeoutError:
                    self._note_nobody()

    async def forget(self, worker: Worker) -> None:
        """Do not assign a worker again until the scheduler lists it again."""
        if self._workers.get(worker.address) is worker:
            del self._workers[worker.address]
        self._is_current, self._nobody_since = False, None
        async with self._changed:
            self._changed.notify_all()

    async def give_back(self, worker: Worker) -> None:
        worker.under_way -= 1
        async with self._changed:
            self._changed.notify_all()

    async def prove(self, connection: Connection, worker: Worker) -> bool:
        """Check a worker; return whether it can clone. One that cannot gets no clones."""
        probe = self._prover.probe()
        try:
            wrong = await connection.ask(worker.address, prove, probe, seconds=_PROVE)
        except OSError as error:
            wrong = f"it does not answer: {error}"
        except Exception as error:
            wrong = f"it cannot run this project: {type(error).__name__}: {error}"
        accepted = await asyncio.to_thread(self._prover.accepts, probe)
        if wrong is None and not accepted:
            wrong = "the files that it writes do not arrive in the data tree"
        worker.state = WorkerState.READY if wrong is None else WorkerState.UNFIT
        if wrong is not None:
            line = f"worker {worker.address} on {worker.host}: {wrong}"
            self._reasons.append(line)
            logger.error("%s; it gets no clones", line)
        self._note_nobody()
        async with self._changed:
            self._changed.notify_all()
        return wrong is None

    async def _ask(self, connection: Connection, worker: Worker) -> None:
        """Ask whether a worker is alive."""
        try:
            await connection.ask(worker.address, _alive)
        except OSError:
            worker.unanswered += 1
            self._note_silence(worker)
        except Exception:
            worker.unanswered = 0
        else:
            if worker.state == WorkerState.SILENT:
                logger.info("worker %s on %s answers again", worker.address, worker.host)
                worker.state = WorkerState.READY
            worker.unanswered = 0
        finally:
            worker.is_asked = False

    def _note_silence(self, worker: Worker) -> None:
        now = self._clock()
        if worker.state == WorkerState.READY and worker.unanswered >= _SILENCE:
            worker.state, worker.silent_since = WorkerState.SILENT, now
            logger.error(
                "worker %s on %s does not answer: others get its clones (%d) if it stays silent for %d seconds",
                *(worker.address, worker.host, worker.under_way, self._patience),
            )
        elif worker.state == WorkerState.SILENT and now - worker.silent_since >= self._patience:
            worker.gone.set()

    def _note_nobody(self) -> None:
        """Note since when no worker can clone, and log it once, unless the scheduler was lost."""
        if not self._is_current:
            return
        states = {worker.state for worker in self._workers.values()}
        if WorkerState.READY in states:
            self._nobody_since = None
        elif self._nobody_since is None and WorkerState.PROVING not in states:
            self._nobody_since = self._clock()
            line = "%s has no worker that can clone%s; waiting for one for up to %d seconds (CLUSTER_PATIENCE)"
            logger.error(line, self._name, self._why(), self._patience)

    def _why(self) -> str:
        return f" ({self._reasons[-1]})" if self._reasons else ""

    def _start(self, coroutine: Any) -> None:
        task = asyncio.ensure_future(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _alive() -> float:
    """Return a value at once, on the worker."""
    return ANSWER
