"""The stand-in hubs are what they stand in for, to the official client, to git and to git-lfs."""

import os
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.conftest import ROOT, git
from tests.hubs import Hubs
from tests.hubs.models import Models, cursor, from_cursor


def get(url: str, **headers: str) -> Any:
    """(status, headers, body)."""
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers)) as response:
        return response.status, response.headers, response.read()


def client(hubs: Hubs, folder: Path, code: str) -> Any:
    """What the official client finds; in a process of its own, for it reads the environment when it is imported."""
    environment = {**os.environ, "HF_HOME": str(folder), "HF_HUB_DISABLE_TELEMETRY": "1", "HF_ENDPOINT": hubs.url}
    program = f"import json, huggingface_hub as hub; api = hub.HfApi(); print(json.dumps({code}))"
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    return orjson.loads(done.stdout)


def test_the_official_client_lists_all_models(hubs: Hubs, folder: Path) -> None:
    models = hubs.huggingface.generated
    listed = client(hubs, folder, "[model.id for model in api.list_models(full=True, sort='created_at', limit=None)]")
    assert listed == [models.name(index) for index in reversed(range(60))]


def test_the_official_client_pages(folder: Path) -> None:
    with Hubs(models=2345) as hubs:
        assert client(hubs, folder, "len({model.id for model in api.list_models()})") == 2345
        assert len(hubs.asked("^/api/models")) == 3


def test_the_official_client_downloads_a_snapshot(hubs: Hubs, folder: Path) -> None:
    models = hubs.huggingface.generated
    index = next(index for index in range(60) if len(models.large(index)) == 2)
    path = client(hubs, folder, f"hub.snapshot_download({models.name(index)!r})")
    assert Path(path).name == models.head(index)
    large = [models.pool(number).body for number, _ in models.large(index)]
    assert [Path(path, name).read_bytes() for name in ("model.safetensors", "onnx/model.onnx")] == large
    assert Path(path, "tokenizer", "vocab.txt").read_bytes() == b"[PAD]\n[UNK]\n"


@pytest.mark.parametrize(
    ("name", "token", "error"),
    [
        ("nobody/nothing", None, "Invalid username or password."),
        ("nobody/nothing", "hf_right", "RepositoryNotFoundError"),
        ("gated", None, "GatedRepoError"),
        ("gated", "hf_wrong", "GatedRepoError"),
    ],
)
def test_the_official_client_understands_errors(hubs: Hubs, folder: Path, name: str, token: str, error: str) -> None:
    hubs.token = "hf_right"
    if name == "gated":
        name = hubs.huggingface.generated.name(3)
        hubs.huggingface.gated.add(name)
    code = f"hub.hf_hub_download({name!r}, 'README.md', token={token!r})"
    with pytest.raises(subprocess.CalledProcessError) as raised:
        client(hubs, folder, code)
    assert error in raised.value.stderr


def test_heads_and_contents_of_repositories(hubs: Hubs, folder: Path) -> None:
    models = hubs.huggingface.generated
    for index in range(20):
        told = git(folder, "ls-remote", f"{hubs.url}/{models.name(index)}", "HEAD").split()
        assert told == [models.head(index), "HEAD"]
    index = next(index for index in range(60) if models.large(index))
    git(folder, "clone", "--quiet", f"{hubs.url}/{models.name(index)}", "clone")
    git(folder / "clone", "lfs", "install", "--local")
    git(folder / "clone", "lfs", "pull")
    assert (folder / "clone" / "model.safetensors").read_bytes() == models.pool(models.large(index)[0][0]).body
    assert git(folder / "clone", "fsck", "--strict") == ""


def test_ranges(hubs: Hubs) -> None:
    number, size = next(large for index in range(60) for large in hubs.huggingface.generated.large(index))
    body = hubs.huggingface.generated.pool(number).body
    hubs.objects["0" * 64] = body
    url = f"{hubs.url}/_lfs/{'0' * 64}"
    assert get(url)[2] == body
    status, headers, part = get(url, Range="bytes=100-")
    assert (status, headers["Content-Range"], part) == (206, f"bytes 100-{size - 1}/{size}", body[100:])


def test_three_million_models_cost_no_memory() -> None:
    code = (
        "import sys, resource, urllib.request\n"
        "from tests.hubs import Hubs\n"
        "from tests.hubs.models import cursor\n"
        "with Hubs(models=int(sys.argv[1]), troubles=False) as hubs:\n"
        "    for first in (hubs.huggingface.generated.count, hubs.huggingface.generated.count // 2, 700):\n"
        "        url = f'{hubs.url}/api/models?full=true&cardData=true&config=true&cursor={cursor(first)}'\n"
        "        with urllib.request.urlopen(url) as page: page.read()\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)\n"
    )
    few, many = (
        int(subprocess.run([sys.executable, "-c", code, count], cwd=ROOT, capture_output=True, check=True).stdout)
        for count in ("3000", "3000000")
    )
    assert many - few < 20_000  # kB


def test_models_are_those_of_their_seed() -> None:
    one, same, other = Models(100, 1), Models(100, 1), Models(100, 2)
    assert [one.model(index) for index in range(100)] == [same.model(index) for index in range(100)]
    assert one.model(5) != other.model(5)
    assert len({one.name(index) for index in range(100)}) == 100
    assert all(one.index(one.name(index)) == index for index in range(100))
    assert from_cursor(cursor(1234)) == 1234


def test_the_limit_of_the_api() -> None:
    with Hubs(rate_limit=(3, 300)) as hubs:
        seen = [get(f"{hubs.url}/api/models?limit=1")[1] for _ in range(3)]
        assert [headers["RateLimit"].split(";")[1] for headers in seen] == ["r=2", "r=1", "r=0"]
        assert seen[0]["RateLimit-Policy"] == '"fixed window";"api";q=3;w=300'
        with pytest.raises(urllib.error.HTTPError) as raised:
            get(f"{hubs.url}/api/models?limit=1")
        assert raised.value.code == 429
        raised.value.close()


def test_former_names(hubs: Hubs) -> None:
    hubs.moved["gpt2"] = "openai-community/gpt2"
    with pytest.raises(urllib.error.HTTPError) as raised:
        urllib.request.build_opener(NoRedirect).open(f"{hubs.url}/api/models/gpt2")
    assert (raised.value.code, raised.value.headers["Location"]) == (307, "/api/models/openai-community/gpt2")
    raised.value.close()


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None
