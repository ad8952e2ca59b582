"""Clones on a Dask cluster with a real scheduler and real workers: killed, stopped and unusable ones."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from distributed import Client, Security

from tests import processes
from tests.conftest import ROOT, Crawl, Start, command
from tests.git.test_clone import assert_no_process_left
from tests.hubs import Hubs, Large, Repository

LAST = Large(b"5" * 200_000)  # the large file of the last model
ATTRIBUTES = b"*.bin filter=lfs diff=lfs merge=lfs -text\n"
_NONE: Mapping[str, str] = {}
_OPENSSL = (
    *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"),
    *("-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "key.pem", "-out", "cert.pem"),
)


@dataclass
class Cluster:
    """A scheduler and its workers, each in its own process."""

    folder: Path
    tls: bool = False
    address: str = ""
    port: int = 0
    processes: list["subprocess.Popen[str]"] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        """Return the environment of a process of the cluster."""
        told = {**os.environ, "PYTHONPATH": str(ROOT), "DASK_TEMPORARY_DIRECTORY": str(self.folder)}
        if self.tls:
            for name, file in (("CA_FILE", "cert"), *((f"{who}__CERT", "cert") for who in _PARTS)):
                told[f"DASK_DISTRIBUTED__COMM__TLS__{name}"] = f"{self.folder}/{file}.pem"
            told |= {f"DASK_DISTRIBUTED__COMM__TLS__{who}__KEY": f"{self.folder}/key.pem" for who in _PARTS}
            told["DASK_DISTRIBUTED__COMM__REQUIRE_ENCRYPTION"] = "true"
        return told

    def start(self, *, workers: int = 2) -> None:
        if self.tls:
            subprocess.run(_OPENSSL, cwd=self.folder, check=True, capture_output=True)
        protocol = "tls" if self.tls else "tcp"
        options = ("--protocol", protocol, "--host", "127.0.0.1", "--no-dashboard", "--no-show")
        self.address = self._run("scheduler", *options, "--port", str(self.port)).split()[-1]
        self.port = int(self.address.rpartition(":")[2])
        for _ in range(workers):
            self.add_worker()

    def add_worker(self, *before: str, **variables: str) -> None:
        """Start a worker, with a command before its own, and with other variables."""
        options = ("--nthreads", "2", "--no-nanny", "--no-dashboard", "--host", "127.0.0.1")
        self._run("worker", self.address, *options, before=before, variables=variables)

    def _run(self, what: str, *options: str, before: Sequence[str] = (), variables: Mapping[str, str] = _NONE) -> str:
        """Start a process; return the line that says that it is ready."""
        process = processes.Popen(
            [*before, sys.executable, "-m", f"distributed.cli.dask_{what}", *options],
            cwd=self.folder,
            env={**self.environment, **variables},
            stderr=subprocess.PIPE,
            text=True,
        )
        self.processes.append(process)
        assert process.stderr
        ready = {"scheduler": "Scheduler at:", "worker": "Registered to:"}[what]
        said: list[str] = []
        while ready not in (line := process.stderr.readline()):
            assert line, said
            said.append(line)
        return str(line)

    def stop(self) -> None:
        for process in self.processes:
            process.kill()
            assert process.stderr
            process.stderr.close()
            process.wait()
        self.processes.clear()


_PARTS = ("CLIENT", "SCHEDULER", "WORKER")


@pytest.fixture
def cluster(folder: Path) -> Iterator[Cluster]:
    (folder / "cluster").mkdir()
    cluster = Cluster(folder / "cluster")
    yield cluster
    cluster.stop()


@pytest.fixture
def models(hubs: Hubs) -> list[str]:
    """Serve six models with a large file each; two of them share theirs."""
    names = [f"o/m{number}" for number in range(6)]
    listed = []
    for number, name in enumerate(names):
        weights = Large(b"%d" % max(1, number) * 200_000)
        served = hubs.serve(name, Repository([{".gitattributes": ATTRIBUTES, "w.bin": weights}]))
        listed.append({"id": name, "sha": served.head, "downloads": number})
    hubs.huggingface.models = listed
    return names


def clone_lines(crawl: Crawl) -> list[dict[str, object]]:
    """Return the lines of repositories.jsonl without times."""
    lines = crawl.read("json/repositories.jsonl")
    moments = ("started", "seconds", "attempts", "crawl")
    return sorted(({k: v for k, v in line.items() if k not in moments} for line in lines), key=lambda line: line["url"])


def test_a_cluster_does_what_one_machine_does(
    crawl: Start, hubs: Hubs, cluster: Cluster, models: list[str], folder: Path
) -> None:
    alone = crawl("huggingface", fraction=1)
    cluster.start()
    together = crawl("huggingface", fraction=1, DATA_DIR=folder / "together", CLONE_CLUSTER=cluster.address)
    assert together.status == 0
    assert [line["error"] for line in together.read("json/repositories.jsonl") if line["error"]] == []
    assert together.statuses == dict.fromkeys(models, "cloned")
    assert clone_lines(together) == clone_lines(alone)
    assert together.records == [
        {**record, "ModelHub": {**record["ModelHub"], "MetadataFilePath": path}}
        for record in alone.records
        for path in ["together/huggingface/json/metadata/hf_metadata.json"]
    ]
    assert len(hubs.asked("^/_lfs/")) == 2 * 5
    with Client(cluster.address) as client:
        assert sum(client.run(os.getpid).values()) == sum(worker.pid for worker in cluster.processes[1:])


def assert_all_are_cloned(crawl: Crawl, models: list[str]) -> None:
    """Check that each repository has its clone, also one whose result was lost: it is current at the next crawl."""
    assert crawl.statuses.keys() == set(models)
    assert set(crawl.statuses.values()) <= {"cloned", "current"}


def test_a_worker_that_dies_costs_a_repeat(hubs: Hubs, cluster: Cluster, models: list[str], folder: Path) -> None:
    hubs.faults.add(f"^/_lfs/{LAST.oid}", stall=True, times=1)
    cluster.start()
    given = {"fraction": 1, "CLONE_CLUSTER": cluster.address, "CLONE_RETRIES": 5, "CLONE_RETRY_PAUSE": 0}
    crawl = processes.Popen(command(hubs, folder, "huggingface", **given), cwd=ROOT, stderr=subprocess.DEVNULL)
    hubs.wait_for(f"^/_lfs/{LAST.oid}")
    with Client(cluster.address) as client:
        at_work = [each for each, tasks in client.processing().items() if tasks]
        pids = client.run(os.getpid)
    os.kill(pids[at_work[0]], signal.SIGKILL)
    assert crawl.wait(timeout=120) == 0
    done = Crawl(0, "", folder / "data" / "huggingface")
    assert_all_are_cloned(done, models)
    assert all((done.folder / "repos" / name / "w.bin").stat().st_nlink >= 2 for name in models)
    assert [path for path in (folder / "data").rglob("*") if "~" in path.name] == []


def test_a_crawl_that_is_stopped_leaves_no_git_on_the_workers(
    hubs: Hubs, cluster: Cluster, models: list[str], folder: Path
) -> None:
    hubs.faults.add(f"^/_lfs/{LAST.oid}", stall=True)
    cluster.start()
    given = {"fraction": 1, "CLONE_CLUSTER": cluster.address}
    crawl = processes.Popen(command(hubs, folder, "huggingface", **given), cwd=ROOT, stderr=subprocess.DEVNULL)
    hubs.wait_for(f"^/_lfs/{LAST.oid}")
    crawl.send_signal(signal.SIGINT)
    assert crawl.wait(timeout=60) == 1
    assert_no_process_left(hubs)


def test_tls(crawl: Start, hubs: Hubs, cluster: Cluster, models: list[str]) -> None:
    cluster.tls = True
    cluster.start()
    assert cluster.address.startswith("tls://127.0.0.1:")
    stranger = crawl("huggingface", fraction=1, CLONE_CLUSTER=cluster.address)
    assert stranger.status == 2
    assert f"CLONE_CLUSTER={cluster.address}: not accepted" in stranger.log.splitlines()[-1]
    with pytest.raises(OSError, match=r"Timed out|encryption|refused|closed"):
        Client(cluster.address.replace("tls", "tcp"), timeout=2, security=Security())
    friend = crawl("huggingface", environment=cluster.environment, fraction=1, CLONE_CLUSTER=cluster.address)
    assert friend.status == 0
    assert friend.statuses == dict.fromkeys(models, "cloned")


def test_a_scheduler_that_is_not_there(crawl: Start, hubs: Hubs) -> None:
    done = crawl("huggingface", CLONE_CLUSTER="tcp://127.0.0.1:1")
    assert done.status == 2
    assert "CLONE_CLUSTER=tcp://127.0.0.1:1: not accepted; CLONE_CLUSTER is the address of" in done.log.splitlines()[-1]
    assert not hubs.requests


def test_a_scheduler_that_comes_back(hubs: Hubs, cluster: Cluster, models: list[str], folder: Path) -> None:
    fault = hubs.faults.add(f"^/_lfs/{LAST.oid}", stall=True)
    cluster.start()
    given = {"fraction": 1, "CLONE_CLUSTER": cluster.address, "CLONE_RETRY_PAUSE": "0.5"}
    with (folder / "log").open("w") as log:
        crawl = processes.Popen(command(hubs, folder, "huggingface", **given), cwd=ROOT, stderr=log)
    hubs.wait_for(f"^/_lfs/{LAST.oid}")
    cluster.stop()
    hubs.faults.remove(fault)
    cluster.start()
    assert crawl.wait(timeout=300) == 0
    text = (folder / "log").read_text()
    assert "Traceback" not in text
    assert_all_are_cloned(Crawl(0, "", folder / "data" / "huggingface"), models)


def test_a_scheduler_that_stays_away(
    crawl: Start, hubs: Hubs, cluster: Cluster, models: list[str], folder: Path
) -> None:
    hubs.faults.add(f"^/_lfs/{LAST.oid}", stall=True)
    cluster.start()
    given = {"fraction": 1, "CLONE_CLUSTER": cluster.address, "CLUSTER_PATIENCE": 1}
    with (folder / "log").open("w") as log:
        process = processes.Popen(command(hubs, folder, "huggingface", **given), cwd=ROOT, stderr=log)
    hubs.wait_for(f"^/_lfs/{LAST.oid}")
    cluster.stop()
    assert process.wait(timeout=300) == 1
    text = (folder / "log").read_text()
    assert "Traceback" not in text
    assert f"CLONE_CLUSTER={cluster.address} does not answer" in text
    hubs.faults.clear()
    assert crawl("huggingface", fraction=1).status == 0  # no process locks the tree


def test_unusable_workers_get_no_clones(
    crawl: Start, hubs: Hubs, cluster: Cluster, models: list[str], folder: Path
) -> None:
    programs = folder / "bin"
    programs.mkdir()
    for name in ("git", "sh"):
        (programs / name).symlink_to(str(shutil.which(name)))
    other = folder / "other"
    shutil.copytree(ROOT / "ptmtorrent_scrapy", other / "ptmtorrent_scrapy")
    with (other / "ptmtorrent_scrapy" / "git" / "clone.py").open("a") as source:
        source.write("# another version\n")
    cluster.start(workers=1)
    cluster.add_worker(PATH=str(programs))
    cluster.add_worker(PYTHONPATH=str(other))
    if is_elsewhere := _can_mount(folder):
        (folder / "data").mkdir()
        mount = f'mount -t tmpfs none {folder}/data; exec "$@"'
        cluster.add_worker("unshare", "-m", "--propagation", "private", "sh", "-c", mount, "sh")
    done = crawl("huggingface", fraction=1, CLONE_CLUSTER=cluster.address)
    assert done.status == 0
    assert done.statuses == dict.fromkeys(models, "cloned")
    assert "git-lfs is not installed" in done.log
    assert "another version of this project" in done.log
    assert ("is not the data tree of the crawl" in done.log) is is_elsewhere
    assert len(done.errors) == 2 + is_elsewhere


def _can_mount(folder: Path) -> bool:
    probe = ("unshare", "-m", "--propagation", "private", "mount", "-t", "tmpfs", "none", str(folder))
    return shutil.which("unshare") is not None and subprocess.run(probe, capture_output=True).returncode == 0


def test_a_cluster_without_a_usable_worker_is_reported_at_once(
    crawl: Start, hubs: Hubs, cluster: Cluster, models: list[str]
) -> None:
    cluster.start(workers=0)
    done = crawl("huggingface", fraction=1, CLONE_CLUSTER=cluster.address, CLUSTER_PATIENCE=3)
    assert done.status == 1
    said, last = done.errors
    assert "has no worker that can clone; waiting for one for up to 3 seconds" in said
    assert "start one and crawl again" in last
    assert len(done.records) == 6


def test_ctrl_c_ends_a_crawl_whose_worker_hangs(hubs: Hubs, cluster: Cluster, models: list[str], folder: Path) -> None:
    hubs.faults.add("^/_lfs/", stall=True)
    cluster.start()
    given = {"fraction": 1, "CLONE_CLUSTER": cluster.address}
    with (folder / "log").open("w") as log:
        crawl = processes.Popen(command(hubs, folder, "huggingface", **given), cwd=ROOT, stderr=log)
    hubs.wait_for("^/_lfs/")
    cluster.processes[1].send_signal(signal.SIGSTOP)
    crawl.send_signal(signal.SIGINT)
    assert crawl.wait(timeout=120) == 1
    assert "Traceback" not in (folder / "log").read_text()
