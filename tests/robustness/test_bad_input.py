"""Invalid answers of hubs: each affects only its own model or page."""

import http.server
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ptmtorrent_scrapy.formats import safe_yaml
from ptmtorrent_scrapy.formats.dois import dois
from ptmtorrent_scrapy.formats.raw_json import elements
from ptmtorrent_scrapy.formats.repository_urls import owner_and_name, repository
from ptmtorrent_scrapy.items import Metadata, Model
from ptmtorrent_scrapy.parsers import huggingface
from ptmtorrent_scrapy.parsers.errors import NotAModel
from ptmtorrent_scrapy.records.record import RecordHub, record
from ptmtorrent_scrapy.records.validator import Validator
from ptmtorrent_scrapy.storage.tree import UnusableName, check_folder
from tests.conftest import Crawl, Start, serve
from tests.hubs import Hubs, Repository

DEEP = "[" * 10_000 + "]" * 10_000
# JSON texts of values of the wrong type
VALUES = [
    *("null", "true", "0", "-1", "-0", "1.5", "1e999", "1" * 40, "[]", "{}", '""', '" "', "[null]", "[[]]", DEEP),
    *('"\\u0000"', '"\\u001b[31mred"', '"\\u202egnp.exe"', '"g\\u043e\\u043egle/bert"', '"\\ud83d"', '"CON"', '"../x"'),
    *('"a/b/c"', '"/etc"', '"."', '"x\\ny"', '[{"x": 1}]', '{"a": {"b": []}}', json.dumps("x" * 10_000), "NaN"),
    "[" + ",".join(f'"tag-{number}"' for number in range(50_000)) + "]",
]
NAMES = [
    *("o/CON", "o/aux.txt", "LPT1/m", "o/m.", "o/m ", "o/\u202egnp", "g\u043e\u043egle/bert", "o/Model", "o/model"),
    *("o/..", "../m", "o/m\0", "o/m\x1b", "o//m", "/m", "o/", "o/" + "x" * 300, "o/\ud83d", "o/a:b", "o/a\\b"),
    *("o/.m~lock", "", "o/m/n"),
]
YAML = [
    *(
        b"",
        b"null",
        b"true",
        b"-1",
        b"1e999",
        b"[]",
        b"{}",
        b"[[[",
        b"{a: ",
        b"&a [*a]",
        b"!!python/object:os.system x",
    ),
    *(
        b"\x00",
        b"\xff\xfe",
        b"\x1b[31m",
        "\u202egnp".encode(),
        b"../../x",
        b"2026-13-45",
        b"[" * 10_000,
        b"x" * 100_000,
    ),
    *(b"0x" + b"f" * 10_000, b"? [a, b]: c", b"1" * 5000, b"'", b"[a, {b: [null, 1.5]}]"),
]
SHA = "1" * 40
FEW = settings(
    derandomize=True, database=None, deadline=None, max_examples=300, suppress_health_check=list(HealthCheck)
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)
FIELDS = (
    *("author", "sha", "gated", "downloads", "likes", "tags", "pipeline_tag", "library_name", "config", "cardData"),
    *("model-index", "safetensors", "gguf", "usedStorage", "createdAt", "lastModified", "_id", "siblings"),
)
CARD = ("license", "language", "datasets", "base_model")


@pytest.fixture(scope="module")
def validator() -> Validator:
    return Validator()


# Any value


@FEW
@given(value=JSON | st.builds(dict, st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=5), id=st.text(min_size=1)))
def test_any_object_of_hugging_face_becomes_a_model_or_is_rejected(validator: Validator, value: Any) -> None:
    try:
        model = huggingface.model(Metadata("", value), "https://huggingface.co")
    except NotAModel:
        return
    made(model, validator)


@FEW
@given(card=st.fixed_dictionaries({}, optional=dict.fromkeys(CARD, JSON)), index=JSON, tags=st.lists(st.text()))
def test_any_card_is_read(validator: Validator, card: dict[str, Any], index: Any, tags: list[str]) -> None:
    listed = {"id": "o/m", "sha": SHA, "cardData": card, "model-index": index, "tags": tags}
    made(huggingface.model(Metadata("", listed), "https://huggingface.co"), validator)


def made(model: Model, validator: Validator) -> None:
    """Check that its record is valid, or that the validator reports the problem."""
    model.position = 0
    hub = RecordHub(name="H", url="https://h.example", metadata_path="data/h/json/metadata/h.json")
    wrong = validator.problem(record(model, hub))
    assert wrong is None or (wrong and len(wrong) <= 500)


@FEW
@given(text=st.text())
def test_any_text_is_read(text: str) -> None:
    owner_and_name(text)
    repository(text)
    dois(text)
    for read in (elements, safe_yaml.load):
        try:
            read(text)
        except safe_yaml.Broken:
            continue


@FEW
@given(name=st.text() | st.sampled_from(NAMES))
def test_a_name_that_is_accepted_stays_in_the_tree(name: str) -> None:
    try:
        folder = check_folder(name)
    except UnusableName:
        return
    path = PurePosixPath("/tree", folder)
    assert len(path.parts) == 4
    assert ".." not in path.parts
    assert Path(path).resolve().is_relative_to("/tree")


# Crawls


def accounted(done: Crawl, metadata: str) -> None:
    """Check that each object of the listing has a record or a rejection, and that nothing else failed."""
    assert done.status == 0, done.log[-3000:]
    assert done.errors == []
    objects = done.read(f"json/metadata/{metadata}")
    positions = [each["ModelHub"]["MetadataObjectID"] for each in done.records]
    positions += [each["position"] for each in done.read("json/rejected.jsonl")]
    assert sorted(positions) == list(range(len(objects)))
    assert [each["id"] for each in done.records] == list(range(len(done.records)))


def test_hugging_face(crawl: Start, hubs: Hubs) -> None:
    good = [{"id": f"good/m{number}", "sha": SHA, "tags": ["x"], "likes": number} for number in range(20)]
    hubs.huggingface.models = good
    expected = crawl("huggingface", fraction=0).records
    objects = [json.dumps(model).encode() for model in good]
    values = list(enumerate(VALUES))
    bad = [
        f'{{"id": "bad/{field}-{n}", "sha": "{SHA}", "{field}": {value}}}' for field in FIELDS for n, value in values
    ]
    for field in CARD:
        cards = ((n, f'"cardData": {{"{field}": {value}}}') for n, value in values)
        bad += [f'{{"id": "bad/card-{field}-{n}", "sha": "{SHA}", {card}}}' for n, card in cards]
    bad += [f'{{"id": {value}, "sha": "{SHA}"}}' for value in VALUES] + VALUES
    bad += [json.dumps({"id": name, "sha": SHA}) for name in NAMES]
    bad += [f'{{"id": "bad/twice", "id": "bad/other", "sha": "{SHA}"}}']
    mixed = [each.encode("utf-8", "surrogatepass") for each in bad]
    mixed.append(b'{"id": "bad/utf-8 \xff\xfe", "sha": "%s"}' % SHA.encode())
    step = len(mixed) // len(objects)
    for number, each in enumerate(objects):
        mixed.insert(number * (step + 1), each)
    hubs.huggingface.models = mixed
    done = crawl("huggingface", fraction=0)
    accounted(done, "hf_metadata.json")
    found = {each["ModelName"]: each for each in done.records}
    for known in expected:
        assert {**found[known["ModelName"]], "id": 0, "ModelHub": 0} == {**known, "id": 0, "ModelHub": 0}
    assert {"o/Model", "o/model"} <= found.keys()
    assert found[f"bad/tags-{len(VALUES) - 1}"]["ModelTags"][-1] == "tag-49999"
    assert "schema change likes is object" in done.log


def test_ids_that_differ_in_case_are_two_models(crawl: Start, hubs: Hubs) -> None:
    names = ("o/Model", "o/model")
    served = [hubs.serve(name, Repository([{"a": name.encode()}])) for name in names]
    hubs.huggingface.models = [{"id": name, "sha": each.head} for name, each in zip(names, served, strict=True)]
    done = crawl("huggingface", fraction=1)
    assert done.statuses == dict.fromkeys(names, "cloned")
    assert tuple((done.folder / "repos" / name / "a").read_text() for name in names) == names


def test_modelhub(crawl: Start, hubs: Hubs) -> None:
    good = hubs.modelhub.models[:5]
    hubs.modelhub.models = good
    expected = crawl("modelhub").records
    bad = [
        f'{{"id": "bad-{field}-{n}", "name": "bad {n}", "github": "https://github.com/o/m", "{field}": {value}}}'
        for field in ("id", "name", "github", "task_extended", "backend")
        for n, value in enumerate(VALUES)
    ]
    text = ",".join([*map(json.dumps, good), *bad, *VALUES])
    hubs.faults.add("^/modelhub/", status=200, body=f"[{text}]")
    done = crawl("modelhub")
    accounted(done, "mh_metadata.json")
    assert done.records[: len(expected)] == expected


def test_modelzoo(crawl: Start, hubs: Hubs) -> None:
    first = crawl("modelzoo", fraction=0)
    expected = {each["ModelName"]: each for each in first.records}
    index = first.read("json/metadata/mz_metadata.json")["models"]
    fields = ("title", "description", "stars", "link", "papers", "categories", "framework")
    page = {"slug": "x", "title": "T", "link": "https://github.com/o/m", "stars": 1, "papers": None, "categories": []}
    bad = {}
    for field in fields:
        for n, value in enumerate(VALUES):
            bad[f"bad-{field}-{n}"] = json.dumps({**page, field: "@"}).replace('"@"', value)
    bad |= {f"bad-page-{n}": value for n, value in enumerate(VALUES)}
    slugs = [json.dumps({"slug": slug}) for slug in bad] + [f'{{"slug": {value}}}' for value in VALUES] + VALUES
    text = ",".join([*map(json.dumps, index), *slugs])
    hubs.faults.add("^/modelzoo/api/models/0/", status=200, body=f'{{"models": [{text}]}}')
    for slug, body in bad.items():
        hubs.faults.add(f"^/modelzoo/api/models/{slug}/", status=200, body=body)
    done = crawl("modelzoo", fraction=0, DOWNLOAD_DELAY=0)
    accounted(done, "mz_models_metadata.json")
    found = {each["ModelName"]: each for each in done.records}
    for name, each in expected.items():
        assert {**found[name], "id": 0, "ModelHub": 0} == {**each, "id": 0, "ModelHub": 0}


def test_onnx_model_zoo(crawl: Start, hubs: Hubs) -> None:
    expected = crawl("onnxmodelzoo")
    files = dict(hubs.onnxmodelzoo.commits[-1])
    served = files["ONNX_HUB_MANIFEST.json"]
    assert isinstance(served, bytes)
    manifest = json.loads(served)
    fields = ("model", "model_path", "onnx_version", "opset_version", "metadata")
    bad = [f'{{"model": "Bad {n}", "{field}": {value}}}' for field in fields for n, value in enumerate(VALUES)]
    tags = ((n, f'"metadata": {{"tags": {value}, "model_bytes": {value}}}') for n, value in enumerate(VALUES))
    bad += [f'{{"model": "Bad tags {n}", "model_path": "x/{n}.onnx", {metadata}}}' for n, metadata in tags]
    text = ",".join([*map(json.dumps, manifest), *bad, *VALUES])
    files["ONNX_HUB_MANIFEST.json"] = f"[{text}]".encode("utf-8", "surrogatepass")
    folder = next(path for path in files if path.endswith("turnkey_stats.yaml")).rpartition("/")[0].rpartition("/")[0]
    for n, value in enumerate(YAML):
        files[f"{folder}/bad{n}/turnkey_stats.yaml"] = value
        files[f"{folder}/worse{n}/turnkey_stats.yaml"] = b"model_name: " + value + b"\nauthor: " + value
    hubs.serve("github.com/onnx/models", Repository([files]))
    done = crawl("onnxmodelzoo")
    assert (done.status, done.errors) == (0, [])
    named = {record["ModelURL"] + record["ModelName"] for record in done.records}
    assert {record["ModelURL"] + record["ModelName"] for record in expected.records} <= named
    assert [record["id"] for record in done.records] == list(range(len(done.records)))
    for name in ("omz_manifest.json", "omz_unvalidated_metadata.json", "omz_models_metadata.json"):
        assert done.read(f"json/metadata/{name}")


def test_pytorch_hub(crawl: Start, hubs: Hubs, no_browser: dict[str, str]) -> None:
    """Without a browser: what is read are the files of the repository."""
    expected = crawl("pytorchhub", no_browser, fraction=0)
    for n, value in enumerate(YAML):
        for field in (b"title", b"author", b"tags", b"github-link", b"github-id", b"summary"):
            front = b"title: T\nauthor: A\ngithub-link: https://github.com/o/m\n" + field + b": " + value
            hubs.pytorchhub.files[f"bad_{field.decode()}_{n}.md"] = b"---\n" + front + b"\n---\n# Page\n"
        hubs.pytorchhub.files[f"bad_{n}.md"] = b"---\n" + value + b"\n---\n" + value
    del hubs.repositories["github.com/pytorch/hub"]
    done = crawl("pytorchhub", no_browser, fraction=0)
    accounted(done, "pyth_models_metadata.json")
    named = {record["ModelName"] for record in done.records}
    assert {record["ModelName"] for record in expected.records} <= named


# Pages without an end


@contextmanager
def server(announced: int | None) -> Iterator[str]:
    """Yield a hub whose listing announces too many bytes, or sends bytes without end."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if self.path == "/robots.txt":
                self.send_error(404)
                return
            self.send_response(200)
            name, value = ("Content-Length", str(announced)) if announced else ("Transfer-Encoding", "chunked")
            self.send_header(name, value)
            self.end_headers()
            try:
                while True:
                    spaces = b" " * 0x10000
                    self.wfile.write(spaces if announced else b"10000\r\n" + spaces + b"\r\n")
            except OSError:
                self.close_connection = True

        def log_message(self, *_: Any) -> None:
            pass

    with serve(Handler) as url:
        yield url


@pytest.mark.parametrize("announced", [2 * 10**9, None])
def test_a_page_without_end(crawl: Start, announced: int | None) -> None:
    with server(announced) as url:
        done = crawl("huggingface", fraction=0, HUGGINGFACE_URL=url, DOWNLOAD_MAXSIZE=20_000_000, RETRY_TIMES=0)
    assert done.status == 1
    assert len(done.errors) == 1
    assert "could not be listed; previous data is kept" in done.errors[0]
    assert "20000000" in done.errors[0] or "larger than DOWNLOAD_MAXSIZE" in done.errors[0]
