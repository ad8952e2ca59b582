"""PyTorch Hub: the repository of its pages, its site rendered by scripts, and the repositories of its models."""

from typing import TYPE_CHECKING

from aiohttp import web

from tests.hubs.content import File, Repository

if TYPE_CHECKING:
    from tests.hubs.server import Hubs

REPOSITORY = "https://github.com/pytorch/hub"
NOT_ON_THE_SITE = "pytorch_vision_five"  # a page that the site answers with 404
GONE_FROM_THE_SITE = "pytorch_vision_four"  # and one that redirects to its start page
# Front matter as people write it, by stem
FRONT: dict[str, str] = {
    "alone": "title: Alone\nauthor: A. Researcher\ntags: [audio]\ngithub-link: https://github.com/hub/alone/\n",
    "hub_link": "title: Linked\nauthor: Hub\ntags: nlp\ngithub-link: https://github.com/hub/tools/tree/master/a/b\n",
    "hub_spelled": "title: 'Spelled: otherwise'\nauthor: Hub\ntags: [nlp, generative]\ngithub-id: HUB/Tools\n",
    "nothing": "title: Nothing to clone\nauthor: Hub\ntags: [vision]\ngithub-link: https://example.org/paper\n",
    "torn": "title: [Torn\nauthor: Hub\n",
} | {
    f"pytorch_vision_{name}": f"title: Vision {name}\nauthor: Pytorch Team\ntags: [vision, scriptable]\n"
    "github-link: https://github.com/pytorch/vision/blob/main/torchvision/models/resnet.py\n"
    f"github-id: pytorch/vision\ndemo-model-link: https://example.org/spaces/{name}\norder: 10\n"
    for name in ("one", "two", "three", "four", "five")
}
_REPOSITORIES = ("hub/alone", "hub/tools", "pytorch/vision")


class PyTorchHub:
    """The site at /pytorchhub; repositories are at /github.com. Tests change `files` before the first crawl."""

    def __init__(self, hubs: "Hubs") -> None:
        self.hubs = hubs
        self.files: dict[str, File] = {f"{stem}.md": _page(stem, front).encode() for stem, front in FRONT.items()}
        self.files["README.md"] = b"# PyTorch Hub\n\nHow to submit.\n"
        self.files["docs/template.md"] = b"---\ntitle: <REQUIRED>\n---\n"
        self.files["scripts/check.py"] = b"print('fine')\n"

    @property
    def url(self) -> str:
        return f"{self.hubs.url}/pytorchhub"

    def add_routes(self, router: web.UrlDispatcher) -> None:
        router.add_get("/pytorchhub/", self._page)
        router.add_get("/pytorchhub/{stem}/", self._page)
        router.add_get("/pytorchhub/_away/{name}", self._away)
        router.add_get("/pytorchhub/_content/{stem}", self._content)
        router.add_get("/foreign/{name}", _foreign)

    async def _page(self, request: web.Request) -> web.StreamResponse:
        """Return a page without content, and the script that requests it."""
        stem = request.match_info.get("stem", "")
        if stem == GONE_FROM_THE_SITE:
            return web.Response(status=302, headers={"Location": f"{self.url}/"})
        if stem and (f"{stem}.md" not in self.files or stem == NOT_ON_THE_SITE):
            return web.Response(status=404, text="<h1>No such page</h1>", content_type="text/html")
        shell = _SHELL.replace("STEM", stem or "start").replace("FOREIGN", f"http://localhost:{self.hubs.port}")
        return web.Response(text=shell, content_type="text/html")

    async def _content(self, request: web.Request) -> web.StreamResponse:
        return web.json_response({"text": f"Written by script for {request.match_info['stem']}"})

    async def _away(self, request: web.Request) -> web.StreamResponse:
        location = f"http://localhost:{self.hubs.port}/foreign/{request.match_info['name']}"
        return web.Response(status=302, headers={"Location": location})

    def repository(self, path: str) -> Repository | None:
        """Return the repository of the pages, or of a model."""
        if path == REPOSITORY.removeprefix("https://"):
            return Repository([self.files], branch="master")
        if path.removeprefix("github.com/") in _REPOSITORIES:
            return Repository([{"hubconf.py": f"# {path}\n".encode()}])
        return None


def _page(stem: str, front: str) -> str:
    """Return a page of the repository."""
    return f"""---
layout: hub_detail
summary: The summary of {stem}
accelerator: “cuda-optional”
{front}---

### Model Description

As in [a paper][1], its [follow-up](https://arxiv.org/abs/2004.08955v2) and (https://doi.org/10.1109/CVPR.2016.90).

| a | b |
|---|---|
| 1 | [notebook](https://colab.research.google.com/github/pytorch/{stem}.ipynb) |

[1]: https://arxiv.org/pdf/1512.03385.pdf
"""


async def _foreign(_: web.Request) -> web.StreamResponse:
    return web.Response(text="document.title = 'foreign'", content_type="text/javascript")


_SHELL = """<!DOCTYPE html>
<html><head><title>shell</title>
<link rel="icon" href="/pytorchhub/_away/icon.png">
<style>@font-face { font-family: f; src: url(/pytorchhub/_away/font.woff2) } body { font-family: f }</style>
<script src="FOREIGN/foreign/script.js"></script>
<script src="/pytorchhub/_away/redirected.js"></script>
</head><body><img src="/pytorchhub/_away/image.png"><img src="FOREIGN/foreign/image.png">
<video src="/pytorchhub/_away/film.mp4" autoplay></video><iframe src="FOREIGN/foreign/frame"></iframe>
<main></main><script>
const show = ({text}) => { document.querySelector("main").textContent = text; };
setTimeout(() => fetch("/pytorchhub/_content/STEM").then((answer) => answer.json()).then(show), 100);
</script></body></html>
"""
