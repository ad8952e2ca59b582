"""Models of the ONNX Model Zoo."""

from typing import Any

import pytest

from ptmtorrent_scrapy.items import Metadata
from ptmtorrent_scrapy.parsers.errors import NotAModel
from ptmtorrent_scrapy.parsers.onnx_models import OnnxModels
from ptmtorrent_scrapy.parsers.onnx_pages import model_classes

URL = "https://github.com/onnx/models"
FILES = {
    "validated/vision/a/model/a-7.onnx": "1" * 64,
    "validated/vision/b/model/a-7.onnx": "2" * 64,
    "c/other.onnx": "3" * 64,
}


def entry(path: str, digest: str | None) -> Metadata:
    value = {"model": "A", "model_path": path, "metadata": {"model_sha": digest, "tags": ["vision", "a"]}}
    return Metadata("{}", value, "omz_manifest.json")


def zoo(*manifest: Metadata) -> OnnxModels:
    commits = {path: digest[:1] * 40 for path, digest in FILES.items()}
    return OnnxModels(URL, commits, [], manifest, FILES)


@pytest.mark.parametrize(
    ("path", "digest", "commit"),
    [
        ("validated/vision/a/model/a-7.onnx", None, "1"),  # there
        ("vision/a/model/a-7.onnx", "1" * 64, "1"),  # moved
        ("vision/a/model/a-7.onnx", "2" * 64, "2"),  # the name belongs to another file
        ("vision/c/model/c.onnx", "3" * 64, "3"),  # moved and renamed
    ],
)
def test_a_path_that_has_moved_is_found_by_name_and_hash(path: str, digest: str | None, commit: str) -> None:
    manifest = entry(path, digest)
    assert zoo(manifest).of_entry(manifest).commit == commit * 40


@pytest.mark.parametrize("digest", [None, "4" * 64, "", "a-7.onnx"])
def test_a_path_that_matches_no_file_is_rejected(digest: str | None) -> None:
    manifest = entry("vision/a/model/a-7.onnx", digest)
    with pytest.raises(NotAModel, match="no file") as raised:
        zoo(manifest).of_entry(manifest)
    assert "vision/a/model/a-7.onnx" in raised.value.detail


def test_a_row_has_the_fields_of_its_entry_that_has_moved() -> None:
    manifest = entry("vision/a/model/a-7.onnx", "1" * 64)
    models = zoo(manifest)
    row: dict[str, Any] = {"id": 0, "Model": "A", "ModelPath": "validated/vision/a/model/a-7.onnx"}
    model = models.of_row(Metadata("{}", row), "validated/vision/a")
    assert (model.architecture, model.within, model.repository) == ("a", URL, None)
    assert models.is_named(manifest.value)


def test_a_task_is_the_anchor_of_its_section_else_its_title_in_that_form() -> None:
    table = "<table><tr><th>Model Class</th></tr><tr><td><a href=x>A</a></td></tr></table>"
    readme = f"<h3>Visual QA <a name='visual_qna'></a></h3>{table}<h3>Body, Face & Gesture</h3>{table}"
    assert [each.task for each in model_classes(readme, "onnx/models", {})] == ["visual_qna", "body_face_gesture"]
