"""The pages of PyTorch Hub: Markdown with front matter.

https://github.com/pytorch/hub/blob/master/docs/template.md
"""

import json
import re
from dataclasses import dataclass
from typing import Any

from ptmtorrent_scrapy.formats import safe_yaml
from ptmtorrent_scrapy.formats.dois import dois
from ptmtorrent_scrapy.formats.raw_json import mapping, string, strings
from ptmtorrent_scrapy.formats.repository_urls import Repositories
from ptmtorrent_scrapy.items import Metadata, Model
from ptmtorrent_scrapy.parsers.errors import NotAModel

_FRONT_MATTER = re.compile(r"\A\ufeff?---[ \t]*\n(.*?)^---[ \t]*$\n?", re.DOTALL | re.MULTILINE)
_URL = re.compile(r"https?://(?:[^\s<>\"'\]()]|\([^\s<>\"'\]()]*\))+")
_COLAB = "https://colab.research.google.com/"
_NO_TASK = "scriptable"  # a tag that says that the model can be compiled


@dataclass(frozen=True)
class Page:
    """A page of the hub; the start page has no stem."""

    stem: str
    front: dict[str, Any]  # its front matter; empty if that cannot be read
    markdown: str


def model_page(name: str, text: str) -> Page | None:
    """Return the page of a model, from the name of its file; None without front matter.

    >>> model_page("a_b.md", "---\\ntitle: B\\n---\\nIt.")
    Page(stem='a_b', front={'title': 'B'}, markdown='# B\\n\\nIt.')
    """
    match = _FRONT_MATTER.match(text)
    if match is None:
        return None
    try:
        front = mapping(safe_yaml.load(match[1]))
    except safe_yaml.Broken:
        front = {}
    title, summary = string(front.get("title")), string(front.get("summary"))
    parts = (title and f"# {title}", summary, text[match.end() :])
    return Page(name.removesuffix(".md"), front, "\n\n".join(part for part in parts if part))


def described(number: int, page: Page, url: str) -> Metadata:
    """Return a page's object with PTMTorrent's keys; null for missing values."""
    demo = string(page.front.get("demo-model-link"))
    value = {
        "id": number,
        "ModelName": string(page.front.get("title")),
        "ModelAuthor": string(page.front.get("author")),
        "ModelDescription": string(page.front.get("summary")),
        "ModelURL": url,
        "GitHubURL": string(page.front.get("github-link")),
        "ColabURL": next((each for each in [demo or "", *urls(page.markdown)] if each.startswith(_COLAB)), None),
        "DemoURL": demo,
    }
    return Metadata(json.dumps(value, ensure_ascii=False), value)


def model(metadata: Metadata, page: Page, repositories: Repositories) -> Model:
    """Return the model of a page's object. Raise `NotAModel`."""
    value, full_name = metadata.value, string(page.front.get("github-id"))
    name, link = value["ModelName"], value["GitHubURL"]
    if name is None:
        raise NotAModel("no name", "no front matter that can be read, or no title in it", name=page.stem)
    named = full_name and repositories.named(f"https://github.com/{full_name}")
    repository = named or (link and repositories.named(link))
    if not repository:
        raise NotAModel("no repository", f"neither {full_name!r} nor {link!r} names one", name=name)
    tags = strings(page.front.get("tags"))
    return Model(
        key=page.stem,
        metadata=metadata,
        name=name,
        owner=value["ModelAuthor"] or repository.owner,
        url=value["ModelURL"],
        owner_url=repository.owner_url,
        repository=repository.url,
        folder=repository.folder,
        task=", ".join(tag for tag in tags if tag != _NO_TASK) or None,
        papers=dois("\n".join(urls(page.markdown))),
        tags=tags,
    )


def urls(markdown: str) -> list[str]:
    """Return the URLs in a page, both links and text.

    >>> urls("[a](https://a.org/b_(c)) and (https://d.org/e).")
    ['https://a.org/b_(c)', 'https://d.org/e']
    """
    return [url.rstrip(".,;:") for url in _URL.findall(markdown)]
