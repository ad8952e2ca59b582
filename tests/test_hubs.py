"""The stand-in hubs behave like the real ones for the official client, git and git-lfs."""

import base64
import http.client
import os
import re
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import jsonschema_rs
import orjson
import pytest

from tests.conftest import ROOT, git
from tests.hubs import Hubs, Large, Repository
from tests.hubs.hostile import REPOSITORIES
from tests.hubs.listing import Order
from tests.hubs.models import Models

ATTRIBUTES = b"*.bin filter=lfs diff=lfs merge=lfs -text\n"


def get(url: str, **headers: str) -> Any:
    """Return (status, headers, body)."""
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers)) as response:
        return response.status, response.headers, response.read()


def status(url: str, *, method: str = "GET", data: bytes | None = None, **headers: str) -> Any:
    """Return (status, headers, body), of errors too."""
    request = urllib.request.Request(url, data, headers, method=method)
    try:
        with urllib.request.build_opener(NoRedirect).open(request) as response:
            return response.status, response.headers, response.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, error.read()


def client(hubs: Hubs, folder: Path, code: str) -> Any:
    """Return what the official client finds, in its own process, since it reads the environment when it is imported."""
    environment = {**os.environ, "HF_HOME": str(folder), "HF_HUB_DISABLE_TELEMETRY": "1", "HF_ENDPOINT": hubs.url}
    program = f"import json, huggingface_hub as hub; api = hub.HfApi(); print(json.dumps({code}))"
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    return orjson.loads(done.stdout)


def test_some_weeks_later_models_were_created_renamed_removed_and_pushed() -> None:
    before, after = Models(300, 0), Models(300, 0, weeks=1)
    names = [model.name(index) for index in range(len(before)) for model in (before, after)]
    renamed = [index for index in range(len(before)) if before.name(index) != after.name(index)]
    assert len(after) == 306
    assert renamed
    assert all(after.renamed(before.name(index)) == after.name(index) for index in renamed)
    assert all(after.index(after.name(index)) == index for index in renamed)
    assert len(set(names)) == len(before) + len(renamed)
    assert any(after.is_removed(index) for index in range(len(before)))
    assert any(before.head(index) != after.head(index) for index in range(len(before)))
    assert not any(before.is_removed(index) or before.renamed(before.name(index)) for index in range(len(before)))


def test_the_official_client_lists_all_models(hubs: Hubs, folder: Path) -> None:
    models = hubs.huggingface.generated
    listed = client(hubs, folder, "[model.id for model in api.list_models(full=True, sort='created_at', limit=None)]")
    assert listed == [models.name(index) for index in reversed(range(60))]


def test_the_official_client_pages(folder: Path) -> None:
    with Hubs(models=2345) as hubs:
        assert client(hubs, folder, "len({model.id for model in api.list_models()})") == 2345
        assert len(hubs.asked("^/api/models")) == 3


@pytest.mark.parametrize("sort", ["createdAt", "downloads", "likes", "lastModified", "trendingScore"])
@pytest.mark.parametrize("direction", ["-1", "1"])
def test_orders_of_the_listing(hubs: Hubs, sort: str, direction: str) -> None:
    models = hubs.huggingface.generated
    url: str | None = f"{hubs.url}/api/models?limit=7&sort={sort}&direction={direction}"
    listed: list[int] = []
    while url:
        _, headers, body = get(url)
        listed += [int(model["_id"], 16) for model in orjson.loads(body)]
        url = headers["Link"] and headers["Link"].partition(">")[0].removeprefix("<")
    assert sorted(listed) == list(range(60))
    ranks = [models.rank(index, sort) for index in listed]
    assert ranks == sorted(ranks, reverse=direction == "-1")


def test_what_a_listing_is_asked_for(hubs: Hubs, folder: Path) -> None:
    models = [hubs.huggingface.generated.model(index) for index in reversed(range(60))]
    tagged = [model["id"] for model in models if "fill-mask" in model["tags"] and "bert" in model["tags"]]
    assert tagged
    code = "[model.id for model in api.list_models(filter=['fill-mask', 'bert'])]"
    assert client(hubs, folder, code) == tagged
    author = models[0]["id"].partition("/")[0]
    theirs = [model["id"] for model in models if model["id"].startswith(f"{author}/")]
    assert client(hubs, folder, f"[model.id for model in api.list_models(author={author!r})]") == theirs
    found = client(hubs, folder, "[[m.id, m.sha, m.downloads] for m in api.list_models(search='NER-', expand=['sha'])]")
    assert found == [[model["id"], model["sha"], None] for model in models if "ner-" in model["id"]]


@pytest.mark.parametrize(
    "query", ["limit=x", "limit=0", "sort=size", "cursor=x", "cursor=e30=", "sort=likes&cursor=e30="]
)
def test_queries_that_mean_nothing(hubs: Hubs, query: str) -> None:
    assert status(f"{hubs.url}/api/models?{query}")[0] == 400


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("sort=createdAt&direction=-1&limit=50", {"_id": {"$lt": f"{10:024x}"}}),
        ("sort=createdAt&direction=1&limit=50", {"_id": {"$gt": f"{49:024x}"}}),
    ],
)
def test_a_cursor_is_the_real_hubs(hubs: Hubs, query: str, told: dict[str, Any]) -> None:
    link = get(f"{hubs.url}/api/models?{query}")[1]["Link"]
    start, _, rest = link.partition("&cursor=")
    assert start == f"<{hubs.url}/api/models?{query}"
    cursor, _, relation = rest.partition(">")
    assert base64.b64decode(cursor) == orjson.dumps(told)
    assert relation == '; rel="next"'


def test_the_official_client_downloads_a_snapshot(hubs: Hubs, folder: Path) -> None:
    models = hubs.huggingface.generated
    index = next(index for index in range(60) if len(models.large(index)) == 2)
    path = client(hubs, folder, f"hub.snapshot_download({models.name(index)!r})")
    assert Path(path).name == models.head(index)
    large = [models.pool(number).body for number, _ in models.large(index)]
    assert [Path(path, name).read_bytes() for name in ("model.safetensors", "onnx/model.onnx")] == large
    assert Path(path, "tokenizer", "vocab.txt").read_bytes() == b"[PAD]\n[UNK]\n"


def test_the_official_client_downloads_what_a_test_serves(hubs: Hubs, folder: Path) -> None:
    weights = Large(b"weights " * 10_000)
    served = hubs.serve("/o/m", Repository([{"a": b"1"}, {"a": b"2", "deep/er/w.bin": weights}]))
    path = Path(client(hubs, folder, "hub.snapshot_download('o/m')"))
    assert path.name == served.head
    assert (path / "deep" / "er" / "w.bin").read_bytes() == weights.body
    before = git(folder, "ls-remote", f"{hubs.url}/o/m", "main").split()[0]
    served.push({"a": b"3"})
    assert Path(client(hubs, folder, f"hub.hf_hub_download('o/m', 'a', revision={before!r})")).read_bytes() == b"2"
    assert Path(client(hubs, folder, "hub.hf_hub_download('o/m', 'a')")).read_bytes() == b"3"


def test_the_official_client_sees_trees(hubs: Hubs, folder: Path) -> None:
    weights = Large(b"weights")
    hubs.serve("/o/m", Repository([{"README.md": b"#\n", "deep/er/w.bin": weights}]))
    code = "[[each.path, getattr(each, 'size', 0)] for each in api.list_repo_tree('o/m', recursive={})]"
    assert client(hubs, folder, code.format(False)) == [["README.md", 2], ["deep", 0]]
    assert client(hubs, folder, code.format(True))[2:] == [["deep/er", 0], ["deep/er/w.bin", 7]]
    url = f"{hubs.url}/api/models/o/m/tree/main"
    (told,) = orjson.loads(get(f"{url}/deep/er")[2])
    git(folder, "clone", "--quiet", f"{hubs.url}/o/m", "clone")
    assert told["oid"] == git(folder / "clone", "rev-parse", "HEAD:deep/er/w.bin").strip()
    assert told["lfs"] == {"oid": weights.oid, "size": 7, "pointerSize": len(weights.as_pointer())}
    _, headers, body = get(f"{url}?limit=1")
    second = get(headers["Link"].partition(">")[0].removeprefix("<"))
    assert [entry["path"] for entry in orjson.loads(body) + orjson.loads(second[2])] == ["README.md", "deep"]
    assert second[1]["Link"] is None
    assert status(f"{url}/nowhere")[1]["X-Error-Code"] == "EntryNotFound"


@pytest.mark.parametrize(
    ("name", "token", "error"),
    [
        ("nobody/nothing", None, "Invalid username or password."),
        ("nobody/nothing", "hf_right", "RepositoryNotFoundError"),
        ("gated", None, "GatedRepoError"),
        ("gated", "hf_wrong", "GatedRepoError"),
        ("private", None, "Invalid username or password."),
    ],
)
def test_the_official_client_understands_errors(hubs: Hubs, folder: Path, name: str, token: str, error: str) -> None:
    hubs.token = "hf_right"
    if name in ("gated", "private"):
        named = hubs.huggingface.gated if name == "gated" else hubs.huggingface.private
        name = hubs.huggingface.generated.name(3)
        named.add(name)
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
    code, headers, part = get(url, Range="bytes=100-")
    assert (code, headers["Content-Range"], part) == (206, f"bytes 100-{size - 1}/{size}", body[100:])
    assert hubs.requests[-1].sent == size - 100
    assert status(url, Range=f"bytes={size}-")[0] == 416


def test_three_million_models_cost_no_memory() -> None:
    code = (
        "import sys, resource, urllib.request\n"
        "from tests.hubs import Hubs\n"
        "from tests.hubs.listing import Order\n"
        "with Hubs(models=int(sys.argv[1]), troubles=False) as hubs:\n"
        "    for first in (hubs.huggingface.generated.count, hubs.huggingface.generated.count // 2, 700):\n"
        "        cursor = Order(hubs.huggingface.generated, 'createdAt').cursor(first)\n"
        "        url = f'{hubs.url}/api/models?full=true&cardData=true&config=true&cursor={cursor}'\n"
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
    assert next(Order(one, "createdAt").after(Order(one, "createdAt").cursor(34))) == 33


def test_the_limit_of_the_api() -> None:
    with Hubs(rate_limit=(3, 300)) as hubs:
        seen = [get(f"{hubs.url}/api/models?limit=1")[1] for _ in range(3)]
        assert [headers["RateLimit"].split(";")[1] for headers in seen] == ["r=2", "r=1", "r=0"]
        assert seen[0]["RateLimit-Policy"] == '"fixed window";"api";q=3;w=300'
        with pytest.raises(urllib.error.HTTPError) as raised:
            get(f"{hubs.url}/api/models?limit=1")
        assert raised.value.code == 429
        raised.value.close()


def test_previous_names(hubs: Hubs, folder: Path) -> None:
    served = hubs.serve("/gpt2", Repository([{".gitattributes": ATTRIBUTES, "w.bin": Large(b"weights")}]))
    served.rename("openai-community/gpt2")
    answered = status(f"{hubs.url}/api/models/gpt2")
    assert (answered[0], answered[1]["Location"]) == (307, "/api/models/openai-community/gpt2")
    git(folder, "clone", "--quiet", f"{hubs.url}/gpt2", "clone")
    git(folder / "clone", "lfs", "install", "--local")
    git(folder / "clone", "lfs", "pull")
    assert (folder / "clone" / "w.bin").read_bytes() == b"weights"


@pytest.mark.parametrize(
    ("authorization", "refused", "code"),
    [
        (None, 401, "GatedRepo"),
        ("Bearer hf_wrong", 403, "GatedRepo"),
        ("Basic /w==", 403, "GatedRepo"),  # no text
        ("Basic " + base64.b64encode(b"user:hf_right").decode(), 200, None),
        ("Bearer hf_right", 200, None),
    ],
)
@pytest.mark.parametrize("what", ["info/refs?service=git-upload-pack", "resolve/main/a", "info/lfs/objects/batch"])
def test_gated_repositories(hubs: Hubs, what: str, authorization: str | None, refused: int, code: str | None) -> None:
    hubs.token = "hf_right"
    hubs.serve("/o/m", Repository([{"a": b"1"}]))
    hubs.huggingface.gated.add("o/m")
    data = b'{"operation": "download", "objects": []}' if "batch" in what else None
    given = {"Authorization": authorization} if authorization else {}
    answered = status(f"{hubs.url}/o/m/{what}", method="POST" if data else "GET", data=data, **given)
    assert (answered[0], answered[1]["X-Error-Code"]) == (refused, code)


@pytest.mark.parametrize(
    "path",
    ["api/models/o/m", "api/models/o/m/tree/main", "o/m/resolve/main/a", "o/m/info/refs?service=git-upload-pack"],
)
def test_private_repositories(hubs: Hubs, path: str) -> None:
    hubs.token = "hf_right"
    hubs.serve("/o/m", Repository([{"a": b"1"}]))
    hubs.huggingface.private.add("o/m")
    anonymous = status(f"{hubs.url}/{path}")
    assert (anonymous[0], anonymous[1]["X-Error-Code"]) == (401, None)
    assert status(f"{hubs.url}/{path}", Authorization="Bearer hf_right")[0] == 200


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("o/m/resolve/nope/a", "RevisionNotFound"),
        ("api/models/o/m/revision/nope", "RevisionNotFound"),
        ("api/models/o/m/tree/nope", "RevisionNotFound"),
        ("o/m/resolve/main/nope", "EntryNotFound"),
        ("o/m/resolve/main/nope/nope", "EntryNotFound"),
    ],
)
def test_revisions_and_files_that_are_not_there(hubs: Hubs, path: str, code: str) -> None:
    hubs.serve("/o/m", Repository([{"a": b"1"}]))
    answered = status(f"{hubs.url}/{path}")
    assert (answered[0], answered[1]["X-Error-Code"]) == (404, code)


@pytest.mark.parametrize(("path", "scheme"), [("/api/models/no/pe", "Bearer"), ("/no/pe/info/refs", "Basic")])
def test_missing_repositories(hubs: Hubs, path: str, scheme: str) -> None:
    hubs.token = "hf_right"
    code, headers, body = status(hubs.url + path)
    assert (code, orjson.loads(body)) == (401, {"error": "Invalid username or password."})
    assert headers["WWW-Authenticate"] == f'{scheme} realm="Authentication required", charset="UTF-8"'
    assert "X-Error-Code" not in headers
    code, headers, _ = status(hubs.url + path, Authorization="Bearer hf_right")
    assert (code, headers["X-Error-Code"]) == (404, "RepoNotFound")


def test_a_seed_makes_gated_missing_and_empty_repositories(folder: Path) -> None:
    with Hubs(models=400) as hubs:
        models = hubs.huggingface.generated
        first = {models.trouble(index): models.name(index) for index in reversed(range(400))}
        assert status(f"{hubs.url}/{first['gated']}/info/refs?service=git-upload-pack")[0] == 401
        assert status(f"{hubs.url}/{first['missing']}/info/refs?service=git-upload-pack")[0] == 401
        assert git(folder, "ls-remote", f"{hubs.url}/{first['empty']}") == ""


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        (b"{", 422),
        (b"[]", 422),
        (b'{"operation": "download", "objects": [{"oid": "1"}]}', 422),
        (b'{"operation": "download", "objects": [], "hash_algo": "sha512"}', 409),
        (b'{"operation": "upload", "objects": []}', 403),
    ],
)
def test_batches_that_are_refused(hubs: Hubs, asked: bytes, answered: int) -> None:
    name = hubs.huggingface.generated.name(1)
    assert status(f"{hubs.url}/{name}.git/info/lfs/objects/batch", method="POST", data=asked)[0] == answered


def test_objects_that_are_not_there(hubs: Hubs) -> None:
    name = hubs.huggingface.generated.name(1)
    asked = orjson.dumps({"operation": "download", "objects": [{"oid": "0" * 64, "size": 1}]})
    _, headers, body = status(f"{hubs.url}/{name}/info/lfs/objects/batch", method="POST", data=asked)
    assert headers["Content-Type"].startswith("application/vnd.git-lfs+json")
    assert orjson.loads(body)["objects"][0]["error"]["code"] == 404
    assert status(f"{hubs.url}/nobody/nothing.git/info/lfs/objects/batch", method="POST", data=asked)[0] == 401


def test_faults(hubs: Hubs) -> None:
    url = f"{hubs.url}/api/models?limit=1"
    whole = get(url)[2]
    hubs.faults.add("^/api/models", status=429, headers={"Retry-After": "7"}, times=1)
    code, headers, _ = status(url)
    assert (code, headers["Retry-After"]) == (429, "7")
    hubs.faults.add("^/api/models", garble=True, times=1)
    assert get(url)[2] == whole[: len(whole) // 2]
    hubs.faults.add("^/api/models", status=200, body="<html>", headers={"Content-Type": "text/html"}, times=1)
    assert get(url)[1].get_content_type() == "text/html"
    hubs.faults.add("^/api/models", status=302, headers={"Location": "http://localhost:1/"}, times=1)
    assert status(url)[1]["Location"] == "http://localhost:1/"
    hubs.faults.add("^/api/models", slow=0.001, times=1)
    assert get(url)[2] == whole
    hubs.faults.add("^/api/models", cut=10, times=1)
    with pytest.raises(http.client.IncompleteRead) as raised:
        get(url)
    assert raised.value.partial == whole[:10]
    assert hubs.requests[-1].sent == 10
    assert get(url)[2] == whole


def test_one_request_in_some_fails(hubs: Hubs) -> None:
    hubs.faults.add("robots", status=503, after=2, every=3, times=2)
    assert [status(f"{hubs.url}/robots.txt")[0] for _ in range(12)] == [200] * 4 + [503, 200, 200, 503] + [200] * 4
    assert [asked.status for asked in hubs.asked("robots")].count(503) == 2


def test_faults_from_outside(hubs: Hubs) -> None:
    faults = f"{hubs.url}/_faults"
    assert status(faults, method="POST", data=b'{"path": "robots", "status": 500}')[0] == 204
    assert status(f"{hubs.url}/robots.txt")[0] == 500
    assert status(faults, method="DELETE")[0] == 204
    assert status(f"{hubs.url}/robots.txt")[0] == 200
    assert status(faults, method="POST", data=b'{"way": "robots"}')[0] == 400


@pytest.mark.parametrize("name", REPOSITORIES)
def test_hostile_repositories(hubs: Hubs, folder: Path, name: str) -> None:
    """A git that checks objects refuses all that are dangerous; none harms a bare clone."""
    git(folder, "clone", "--quiet", "--bare", f"{hubs.url}/hostile/{name}", "bare")
    checked = subprocess.run(["git", "fsck", "--strict"], cwd=folder / "bare", capture_output=True, check=False)
    harmless = {"symbolic-link", "other-lfs-server", "foreign-submodule", "submodule-that-runs", "hooks"}
    harmless |= {"two-cases", "huge-folder", "lying-pointer", "expanding-pack"}
    assert (checked.returncode == 0) == (name in harmless)
    assert not list(folder.rglob("owned"))


def test_modelhub(hubs: Hubs, folder: Path, shared: Path) -> None:
    schema = orjson.loads((shared / "hubs" / "modelhub" / "config_schema.json").read_bytes())
    del schema["properties"]["modelhub"]["required"]  # empty, which its own draft does not allow
    index = orjson.loads(get(hubs.modelhub.url)[2])
    recorded = orjson.loads((shared / "hubs" / "modelhub" / "models.json").read_bytes())
    assert {key for entry in index for key in entry} <= {key for entry in recorded for key in entry}
    assert len({entry["id"] for entry in index}) == len(index) == 16
    options = [option for pair in hubs.modelhub.git_config.items() for option in ("-c", "=".join(pair))]
    configs = 0
    for number, entry in enumerate(index):
        url = entry["github"].rstrip("/")  # with a slash at the end git-lfs leaves insteadOf unheeded
        git(folder, *options, "clone", "--quiet", url, str(number))
        config = folder / str(number) / "contrib_src" / "model" / "config.json"
        if config.exists():
            jsonschema_rs.validate(schema, orjson.loads(config.read_bytes()))
            configs += 1
    assert configs == 13


def test_repositories_are_kept_where_that_is_wanted(folder: Path) -> None:
    for _ in range(2):
        with Hubs(models=3, troubles=False, repositories=folder) as hubs:
            git(folder, "ls-remote", f"{hubs.url}/{hubs.huggingface.generated.name(0)}")
        assert len(list(folder.glob("*.git"))) == 1


def test_the_command() -> None:
    """It prints the URLs of the hubs, and ends on a signal."""
    command = (sys.executable, "-m", "tests.hubs", "--models", "3000000", "--rate-limit", "none")
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert re.fullmatch(r'eval "\$\(python -m tests\.hubs --environment --port \d+\)"\n', process.stdout.readline())
        hub, _, setting = process.stdout.readline().strip().partition(" ")
        assert (hub, setting.partition("=")[0]) == ("huggingface", "HUGGINGFACE_URL")
        listed = orjson.loads(get(f"{setting.partition('=')[2]}/api/models?limit=1")[2])
        assert int(listed[0]["_id"], 16) == 2_999_999
        process.terminate()
        assert process.wait(timeout=60) == 0


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


_FULL = {"_id", "id", "modelId", "author", "sha", "lastModified", "createdAt", "private", "gated", "likes"}
_FULL |= {"downloads", "tags", "pipeline_tag", "library_name", "siblings"}


def fields(url: str) -> set[str]:
    return {name for listed in orjson.loads(get(url)[2]) for name in listed}


def test_a_listing_has_what_the_hub_gives_and_no_more(hubs: Hubs) -> None:
    listing = f"{hubs.url}/api/models?limit=60"
    assert fields(f"{listing}&full=true") == _FULL
    assert fields(f"{listing}&full=true&cardData=true&config=true") == _FULL | {"cardData", "config"}
    assert fields(f"{listing}&expand[]=safetensors&expand[]=baseModels") == {"_id", "id", "safetensors", "baseModels"}
    assert fields(f"{listing}&expand=sha&expand=gated") == {"_id", "id", "sha", "gated"}


@pytest.mark.parametrize("name", ["usedStorage", "childrenModelCount", "nothing"])
def test_what_a_listing_cannot_expand_is_refused_by_name(hubs: Hubs, name: str) -> None:
    code, _, body = status(f"{hubs.url}/api/models?expand[]=sha&expand[]={name}")
    assert code == 400
    accepted = orjson.loads(body)["error"].removeprefix('"expand" must be one of [').removesuffix("]").split(", ")
    assert {"sha", "safetensors", "baseModels", "gguf"} < set(accepted)
    assert name not in accepted


@pytest.mark.parametrize("flag", ["full", "cardData", "config"])
def test_expand_excludes_other_parameters(hubs: Hubs, flag: str) -> None:
    assert status(f"{hubs.url}/api/models?expand[]=sha&{flag}=true")[0] == 400


def test_one_model_has_what_a_listing_lacks(hubs: Hubs) -> None:
    url = f"{hubs.url}/api/models/{hubs.huggingface.generated.name(3)}"
    whole = orjson.loads(get(url)[2])
    assert {"usedStorage", "disabled", "spaces"} < set(whole)
    assert {"baseModels", "downloadsAllTime", "childrenModelCount"}.isdisjoint(whole)
    assert set(orjson.loads(get(f"{url}?expand[]=childrenModelCount")[2])) == {"_id", "id", "childrenModelCount"}
    assert orjson.loads(get(f"{url}?securityStatus=true")[2])["securityRepoStatus"]["scansDone"] is True
    assert {"size", "blobId"} < set(orjson.loads(get(f"{url}?blobs=true")[2])["siblings"][0])
    assert status(f"{url}?expand[]=nothing")[0] == 400


def test_no_page_has_more_than_a_thousand(folder: Path) -> None:
    with Hubs(models=1200) as hubs:
        assert len(orjson.loads(get(f"{hubs.url}/api/models?limit=5000")[2])) == 1000


@pytest.mark.parametrize("kind", ["models", "datasets", "spaces"])
def test_the_official_client_expands_each_kind(hubs: Hubs, folder: Path, kind: str) -> None:
    generated = {
        "models": hubs.huggingface.generated,
        "datasets": hubs.huggingface.datasets,
        "spaces": hubs.huggingface.spaces,
    }[kind]
    code = f"[[each.id, each.sha] for each in api.list_{kind}(expand=['sha', 'trendingScore'], sort='created_at')]"
    assert client(hubs, folder, code) == [
        [generated.name(index), generated.model(index)["sha"]] for index in reversed(range(len(generated)))
    ]


@pytest.mark.parametrize("kind", ["dataset", "space"])
def test_datasets_and_spaces_are_downloaded(hubs: Hubs, folder: Path, kind: str) -> None:
    generated = hubs.huggingface.datasets if kind == "dataset" else hubs.huggingface.spaces
    name, known = generated.name(2), generated.model(2)
    path = client(hubs, folder, f"hub.snapshot_download({name!r}, repo_type={kind!r})")
    assert Path(path).name == known["sha"]
    assert client(hubs, folder, f"api.{kind}_info({name!r}).sha") == known["sha"]
    head = git(folder, "ls-remote", f"{hubs.url}/{kind}s/{name}", "HEAD").split()[0]
    assert head == known["sha"]
