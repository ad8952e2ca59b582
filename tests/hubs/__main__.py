"""`python -m tests.hubs`: the stand-in hubs until they are stopped."""

import argparse
import json
import shlex
import signal
from pathlib import Path
from urllib.parse import urlsplit

from tests.hubs import Hubs


def environment(port: int) -> str:
    """Return a shell line that makes every command use the stand-ins on a port."""
    base = f"http://127.0.0.1:{port}"
    forges = ("github.com", "gist.github.com", "gitlab.com", "bitbucket.org")
    values = {
        "HUGGINGFACE_URL": base,
        "MODELHUB_URL": f"{base}/modelhub/models.json",
        "MODELZOO_URL": f"{base}/modelzoo",
        "PYTORCHHUB_URL": f"{base}/pytorchhub",
        "CLONE_PROTOCOLS": "http:https",
        "CLONE_GIT_CONFIG": json.dumps({f"url.{base}/{forge}/.insteadOf": f"https://{forge}/" for forge in forges}),
        "CLONE_MIN_FREE": "100MB",
    }
    return "export " + " ".join(f"PTMTORRENT_{name}={shlex.quote(value)}" for name, value in values.items())


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.hubs", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0: any that is free")
    parser.add_argument("--models", type=int, default=300, help="models of Hugging Face")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--weeks",
        type=int,
        default=0,
        metavar="N",
        help="as it is N weeks later: models created, renamed, removed, pushed",
    )
    parser.add_argument("--rate-limit", default="500/300", help="requests/seconds of Hugging Face's API, or none")
    parser.add_argument("--token", help="of a user who has access to the gated repositories")
    parser.add_argument("--no-troubles", action="store_true", help="no gated, missing or empty repositories")
    parser.add_argument("--no-large-files", action="store_true", help="nothing in git-lfs")
    parser.add_argument("--latency", type=float, default=0, metavar="SECONDS", help="before each answer")
    parser.add_argument("--cut", type=int, default=0, metavar="N", help="break off one in N answers of git and git-lfs")
    parser.add_argument("--repositories", type=Path, metavar="DIR", help="keep the repositories there")
    parser.add_argument("--environment", action="store_true", help="print the exports that point commands at the port")
    given = parser.parse_args()
    if given.environment:
        print(environment(given.port))
        return
    limit = None if given.rate_limit == "none" else tuple(map(int, given.rate_limit.split("/")))
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    with Hubs(
        given.models,
        given.seed,
        port=given.port,
        rate_limit=limit,  # type: ignore[arg-type]
        token=given.token,
        troubles=not given.no_troubles,
        large_files=not given.no_large_files,
        repositories=given.repositories,
        latency=given.latency,
        weeks=given.weeks,
    ) as hubs:
        if given.cut:
            hubs.faults.add("git-upload-pack|/info/lfs|^/_lfs/", cut=100, every=given.cut)
        print(f'eval "$(python -m tests.hubs --environment --port {urlsplit(hubs.url).port})"', flush=True)
        print(f"huggingface HUGGINGFACE_URL={hubs.url}")
        print(f"modelhub MODELHUB_URL={hubs.modelhub.url}")
        print(f"modelzoo MODELZOO_URL={hubs.modelzoo.url}")
        print(f"pytorchhub PYTORCHHUB_URL={hubs.pytorchhub.url}")
        print(f"git CLONE_GIT_CONFIG={json.dumps(hubs.modelhub.git_config)}", flush=True)
        signal.sigwait({signal.SIGINT, signal.SIGTERM})


if __name__ == "__main__":
    main()
