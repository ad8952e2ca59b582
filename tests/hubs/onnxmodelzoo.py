"""ONNX Model Zoo: a repository with pages, a manifest, and folders with statistics."""

import json
from typing import TYPE_CHECKING, Any

from tests.hubs.content import File, Large, Repository

if TYPE_CHECKING:
    from tests.hubs.server import Hubs

PATH = "github.com/onnx/models"
UNVALIDATED = 20
_WEB = "https://github.com/onnx/models"

README = f"""\
<!--- SPDX-License-Identifier: Apache-2.0 -->

# ONNX Model Zoo

Made from a seed, for [tests](contribute.md).

### Image Classification <a name="image_classification"/>
Says what an image shows.

|Model Class |Reference |Description |Huggingface Spaces|
|-|-|-|-|
|<b>[Alpha](validated/vision/alpha)</b>|[A. et al.](https://arxiv.org/abs/1801.00001v2)|Small. <br>Fast.| \
[![Spaces](https://img.example.org/a.svg)](https://huggingface.co/spaces/onnx/alpha)|
|<b>[Beta](validated/vision/beta/)</b>|[B. et al.](https://doi.org/10.1109/CVPR.2016.90)|Wide|
|Not there yet|[C. et al.](https://example.org/c.pdf)|[contribute](contribute.md)|
<hr>

#### Domain-based Image Classification
|Model Class |Reference |Description |
|-|-|-|
|<b>[Alpha again](validated/vision/alpha)</b>|-|ListedRepository twice|

### Machine Comprehension <a name="machine_comprehension"/>
Model Class | Reference | Description
-|-|-
[Alpha]({_WEB}/tree/main/validated/text/alpha) | none | Of text
[Gamma](validated/text/gamma) | [G. et al.](https://arxiv.org/pdf/1902.00003.pdf) | Only in the manifest
"""

PAGES = {
    "validated/vision/alpha": """\
# Alpha

|Model        |Download  |Download (with sample test data)| ONNX version |Opset version|Top-1 accuracy (%)|Top-5 error|
|-------------|:---------|:-------------------------------|:-------------|:------------|:-----------------|-|
|Alpha| [13 MB](model/alpha-7.onnx)  |  [14 MB](model/alpha-7.tar.gz) |  1.2.1  | 7 | 70.94    | 10 |
|Alpha-int8| [3 MB](model/alpha-12-int8.onnx) |  |  1.9 | 12
> Compared with Alpha, Alpha-int8 is smaller.

* Caffe:

| Model | Download |
|-|-|
|Alpha-caffe2 | [32 MB](./model/alpha%20caffe2.onnx#top) |

### Dataset

|File|Size|
|-|-|
|[labels](dependencies/labels.txt)|1 KB|

[Deep](https://arxiv.org/pdf/1801.00001.pdf), [deeper](http://arxiv.org/abs/1902.00002).
""",
    "validated/vision/beta": f"""\
# Beta
Model | Download | Accuracy | mIOU (%)
--- | --- | --- | ---
[Beta](../alpha) | [1 MB]({_WEB}/raw/main/validated/vision/beta/beta-9.onnx?raw=true) | [60 %](#accuracy) | 50
Beta elsewhere | [2 MB](https://example.org/beta-10.onnx) | |
""",
    "validated/text/alpha": """\
# Alpha

<table>
  <tr><th>Model</th><th>File</th><th>Dataset</th></tr>
  <tr><td>Alpha of text</td><td><a href="model/alpha-text.onnx">alpha-text</a> (1 MB)</td><td>SQuAD</td></tr>
</table>
""",
    "validated/text/gamma": "# Gamma\n\nSee the [manifest](/ONNX_HUB_MANIFEST.json).\n",
    "validated/text/unlisted": "| Name | Download |\n|-|-|\n| Unlisted | [1 MB](model/unlisted.onnx) |\n",
}
# (ModelName, file) of the rows above, in the order of the pages' folders
ROWS = (
    ("Alpha of text", "validated/text/alpha/model/alpha-text.onnx"),
    ("Unlisted", "validated/text/unlisted/model/unlisted.onnx"),
    ("Alpha", "validated/vision/alpha/model/alpha-7.onnx"),
    ("Alpha-int8", "validated/vision/alpha/model/alpha-12-int8.onnx"),
    ("Alpha-caffe2", "validated/vision/alpha/model/alpha caffe2.onnx"),
    ("Beta", "validated/vision/beta/beta-9.onnx"),
    ("Beta elsewhere", "https://example.org/beta-10.onnx"),
)
MANIFEST_ONLY = "validated/text/gamma/model/gamma-10.onnx"


class OnnxModelZoo:
    """The hub at /github.com/onnx/models; tests read `commits`, or serve another repository there."""

    def __init__(self, hubs: "Hubs", seed: int) -> None:
        self.hubs = hubs
        models = {path: _large(path, seed) for path in (*(path for _, path in ROWS[:-1]), MANIFEST_ONLY)}
        folders = [_folder(number) for number in range(UNVALIDATED)]
        pages: dict[str, File] = {f"{folder}/README.md": page.encode() for folder, page in PAGES.items()}
        first: dict[str, File] = {
            "README.md": b"# ONNX Model Zoo\n",
            ".gitattributes": b"*.onnx filter=lfs diff=lfs merge=lfs -text\n",
            ".lfsconfig": b"[lfs]\n  fetchexclude = *\n",
            **pages,
            **{path: large for path, large in models.items() if "int8" not in path},
        }
        validated = {**first, **models, "ONNX_HUB_MANIFEST.json": json.dumps(_manifest(), indent=1).encode()}
        unvalidated: dict[str, File] = {}
        for number, folder in enumerate(folders):
            unvalidated[f"{folder}/turnkey_stats.yaml"] = _statistics(number).encode()
            if number % 5:  # the others are too large for the repository
                unvalidated[f"{folder}/model.onnx"] = _large(folder, seed)
        later = {f"{folders[1]}/model.onnx": _large("again", seed), ROWS[2][1]: _large("again", seed)}
        self.commits: list[dict[str, File]] = [
            first,
            validated,
            {**validated, **unvalidated},
            {**validated, **unvalidated, **later},
            {**validated, **unvalidated, **later, "README.md": README.encode()},
        ]

    def repository(self, path: str) -> Repository | None:
        """Return the repository that is the hub."""
        return Repository(self.commits) if path == PATH else None


def _large(path: str, seed: int) -> Large:
    return Large(f"{seed} {path} ".encode() * 1000)


def _folder(number: int) -> str:
    skip = "skip/" if number % 5 == 0 else ""
    return f"{('Computer_Vision', 'Natural_Language_Processing')[number % 2]}/{skip}model{number}_Opset16_timm"


def _manifest() -> list[dict[str, Any]]:
    """Return the rows' files and one more; two rows' files are missing."""
    named = [*(row for row in ROWS if row[0] not in ("Unlisted", "Beta elsewhere")), ("Gamma", MANIFEST_ONLY)]
    return [
        {
            "model": name,
            "model_path": path,
            "onnx_version": "1.9.0",
            "opset_version": 12,
            "metadata": {
                "model_sha": f"{number:064x}",
                "model_bytes": 1000 + number,
                "tags": [path.split("/")[1], "a task", path.split("/")[2]],
                "io_ports": {"inputs": [{"name": "x", "shape": [1, "N"], "type": "tensor(float)"}], "outputs": []},
            },
        }
        for number, (name, path) in enumerate(named)
    ]


def _statistics(number: int) -> str:
    """Return a `turnkey_stats.yaml`, without its data about the machine."""
    size = "null" if number % 5 == 0 else "354.5"
    return f"""\
author: {("timm", "torch_hub")[number % 2]}
builds:
  x86_ort:
    completed_build_stages:
      export_pytorch: 25.6
builtin_model_script: https://github.com/onnx/turnkeyml/blob/main/models/model{number}.py
class: {("ResNet", "BertModel")[number % 2]}
hash: a94462d8
model_name: model{number}
onnx_input_dimensions:
  x:
  - 1
  - 128
onnx_model_information:
  ir_version: 8
  opset: 16
  size on disk (KiB): {size}
onnx_ops_counter:
  Add: 3
parameters: {1000 + number}
system_info:
  Memory Info: 62.79 GB
task: {("Computer_Vision", "Natural_Language_Processing")[number % 2]}
"""
