"""ModelZoo: its index, a page for each model, and their repositories."""

import json
from typing import TYPE_CHECKING, Any

from aiohttp import web

from tests.hubs.content import Repository

if TYPE_CHECKING:
    from tests.hubs.server import Hubs

_MODELS = 30
_FRAMEWORKS = ("caffe", "keras", "pytorch", "tensorflow", "jax", "chainer", "mxnet", "caffe2")
_CATEGORIES: tuple[dict[str, Any], ...] = (
    {"id": 1, "slug": "computer-vision", "title": "Computer Vision", "short_title": "CV"},
    {"id": 2, "slug": "natural-language-processing", "title": "Natural Language Processing", "short_title": "NLP"},
    {"id": 3, "slug": "generative-models", "title": "Generative Models", "short_title": "Generative"},
)
# Links of the first models, as people paste them; each other model has its own repository.
LINKS: tuple[str | None, ...] = (
    "https://github.com/zoo/shared/tree/master/examples/one",
    "http://github.com/zoo/shared",
    "https://www.github.com/Zoo/Shared.git",
    "https://github.com/zoo/shared/blob/master/README.md#usage",
    "https://github.com/zoo/alone/",
    "https://gist.github.com/zoo/0123456789abcdef0123456789abcdef",
    "https://gitlab.com/zoo/alone",
    "https://gitlab.com/zoo/deep/alone/-/tree/main",
    "https://bitbucket.org/zoo/alone/src/master/",
    "https://github.com/zoo/dead",
    "https://arxiv.org/abs/1512.03385",
    "https://github.com/zoo",
    "not a link",
    None,
)
PAPERS: tuple[Any, ...] = (
    {"A paper": "https://arxiv.org/pdf/1512.03385v1.pdf", "Another": "https://doi.org/10.1109/CVPR.2016.90"},
    {"Of the ACL": "https://www.aclweb.org/anthology/N19-1423/", "Reviewed": "https://openreview.net/forum?id=x"},
    {"Several": ["http://arxiv.org/abs/1706.03762", "https://papers.nips.cc/paper/7181"]},
    None,
    "https://arxiv.org/abs/2004.08955",
    {},
)
DOIS: tuple[tuple[str, ...], ...] = (
    ("10.48550/arXiv.1512.03385", "10.1109/CVPR.2016.90"),
    ("10.18653/v1/N19-1423",),
    ("10.48550/arXiv.1706.03762",),
    (),
    ("10.48550/arXiv.2004.08955",),
    (),
)


class ModelZoo:
    """The hub at /modelzoo; its repositories are at /HOST/PATH. Tests change `index` and `pages`."""

    def __init__(self, hubs: "Hubs") -> None:
        self.hubs = hubs
        described = [_described(number) for number in range(_MODELS)]
        self.index: list[Any] = [_entry(number, model) for number, model in enumerate(described)]
        self.pages: dict[str, Any] = {_slug(number): model for number, model in enumerate(described)}

    @property
    def url(self) -> str:
        return f"{self.hubs.url}/modelzoo"

    def add_routes(self, router: web.UrlDispatcher) -> None:
        router.add_get("/modelzoo/api/models/{slug}/", self._answer)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Referer") != f"{self.url}/":
            return web.Response(status=403)
        slug = request.match_info["slug"]
        if slug == "0":
            return web.json_response({"models": self.index})
        if slug not in self.pages:
            return web.json_response({"detail": "Not found."}, status=404)
        page = self.pages[slug]
        return web.Response(text=page if isinstance(page, str) else json.dumps(page), content_type="application/json")

    def repository(self, path: str) -> Repository | None:
        """Return the repository of a generated model."""
        forge, _, name = path.partition("/")
        known = {
            *("github.com/zoo/shared", "github.com/Zoo/Shared", "github.com/zoo/alone", "gitlab.com/zoo/alone"),
            *("gitlab.com/zoo/deep/alone", "bitbucket.org/zoo/alone"),
            "gist.github.com/0123456789abcdef0123456789abcdef",
            *(f"github.com/zoo/model-{number}" for number in range(len(LINKS), _MODELS)),
        }
        return Repository([{"README.md": f"# {name} on {forge}\n".encode()}]) if path in known else None


def _slug(number: int) -> str:
    return f"model-{number}"


def _described(number: int) -> dict[str, Any]:
    """Return the data of a model's page."""
    return {
        "title": f"Model {number}",
        "description": None if number % 7 == 3 else "Made from a number.",
        "stars": None if number % 5 == 2 else number * 37 % 100,
        "long_desc": f"<h1>Model {number}</h1>",
        "link": LINKS[number] if number < len(LINKS) else f"https://github.com/zoo/model-{number}",
        "papers": PAPERS[number % len(PAPERS)],
        "framework": _FRAMEWORKS[number % len(_FRAMEWORKS)],
        "categories": [_CATEGORIES[number % 3], _CATEGORIES[(number + 1) % 3]][: number % 3],
    }


def _entry(number: int, described: dict[str, Any]) -> dict[str, Any]:
    """Return the entry of a model in the index."""
    fields = ("title", "description", "stars", "link", "framework", "categories")
    return {"slug": _slug(number), **{field: described[field] for field in fields}}
