"""Ids of repositories on Hugging Face, from what authors write in model cards."""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote, urlsplit

from ptmtorrent_scrapy.formats.raw_json import string
from ptmtorrent_scrapy.parsers.errors import NotAModel

NOBODY = "huggingface"  # owner of repositories without a namespace
_PART = r"(?!.*(?:--|\.\.))[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,94}[A-Za-z0-9_])?"
# https://github.com/huggingface/huggingface_hub, utils/_validators.py: OWNER/NAME, or only NAME for old ones
_ID = re.compile(rf"(?:{_PART}/)?{_PART}")
_MARKDOWN = re.compile(r"\[[^\[\]]{0,500}\]\(\s*([^\s()]{1,500})\s*\)")
_HOSTS = ("huggingface.co", "www.huggingface.co", "hf.co", "www.hf.co")
_VIEWS = ("tree", "blob", "resolve", "raw", "commit", "commits", "discussions", "viewer", "settings", "edit")
_SECTIONS = ("datasets", "spaces", "models", "docs", "papers", "blog", "collections", "api", "buckets", "kernels")
_NOTHING = ("none", "null", "nan", "n/a", "unknown")  # how cards say "there is none"
_CHECKPOINT = re.compile(r"checkpoint-\d+")  # folders in which a trainer saves
_NO_NAMESPACE = "huggingface.co"  # as in PTMTorrent
_NAMES = ("repo_url", "url", "id", "repo_id", "name")  # keys of objects that some cards have instead of an id


def written(value: Any) -> Iterator[str]:
    """Yield the texts of a card's value: of a string, a list of them, or objects with a URL, an id or a name.

    >>> list(written(["a/b", None, {"name": "GPT", "repo_url": "https://huggingface.co/gpt2"}]))
    ['a/b', 'https://huggingface.co/gpt2']
    """
    for each in value if isinstance(value, list) else [value]:
        text = string(each)
        if text is None and isinstance(each, dict):
            text = next((text for key in _NAMES if (text := string(each.get(key)))), None)
        if text and text.lower() not in _NOTHING:
            yield text


def model_id(text: str, base: str) -> str | None:
    """Return the id of the model in a text: an id, or a URL on the hub or its mirror `base`; None for other texts.

    >>> model_id("https://huggingface.co/org/m/tree/main", ""), model_id("./out/checkpoint-100", "")
    ('org/m', None)
    """
    path = _on_hub(text, base)
    if path is None:
        is_path = _CHECKPOINT.fullmatch(text) or text.partition("/")[0].lower() in _SECTIONS
        return text if is_id(text) and not is_path else None
    return _leading_id(path) if path[:1] and path[0].lower() not in _SECTIONS else None


def dataset_id(text: str, base: str) -> str | None:
    """Return the id of the dataset in a text, as `model_id` does.

    >>> dataset_id("[C4](https://huggingface.co/datasets/allenai/c4/)", ""), dataset_id("datasets/a/b", "")
    ('allenai/c4', 'a/b')
    """
    path = _on_hub(text, base)
    if path is None:
        path = text.rstrip("/").split("/")
        if len(path) > 1 and path[0] == "datasets":
            return _leading_id(path[1:])
        found = "/".join(path)
        return found if is_id(found) else None
    return _leading_id(path[1:]) if path[:1] == ["datasets"] else None


def is_id(text: str) -> bool:
    """Return whether a text is a valid id of a repository."""
    return _ID.fullmatch(text) is not None and not text.endswith(".git")


def web_url(text: str) -> str | None:
    """Return the URL of a web page in a text, also in Markdown; None for other texts."""
    text = _link(text)
    if not text.isprintable() or " " in text or not re.match(r"https?://[\w.-]+", text):
        return None
    try:
        return text if urlsplit(text).hostname else None
    except ValueError:
        return None


def _link(text: str) -> str:
    """Return the target of a Markdown link; other texts unchanged."""
    match = _MARKDOWN.fullmatch(text) if text.startswith("[") else None
    return match[1] if match else text.removeprefix("<").removesuffix(">")


def _on_hub(text: str, base: str) -> list[str] | None:
    """Return the path segments of a URL on the hub; None for other texts."""
    if ":" not in text and "." not in text and not text.startswith("["):
        return None
    text = _link(text)
    if text.startswith("hf://"):
        return [name for name in text.removeprefix("hf://").split("/") if name]
    try:
        parts = urlsplit(text if "://" in text else f"https://{text}")
        own = urlsplit(base)
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or parts.netloc.lower() not in (*_HOSTS, own.netloc.lower() or None):
        return None
    path = parts.path.removeprefix(own.path) if parts.netloc == own.netloc else parts.path
    return [unquote(name) for name in path.split("/") if name]


def _leading_id(path: list[str]) -> str | None:
    """Return the id that a path of the hub begins with."""
    names = path[:1] if len(path) > 1 and path[1] in _VIEWS else path[:2]
    found = "/".join(names).removesuffix(".git")
    return found if is_id(found) else None


def folder(name: str, url: str) -> str:
    """Return the AUTHOR/MODEL of a repository's clone; without a namespace, AUTHOR is the hub's. Raise `NotAModel`.

    >>> folder("org/m", ""), folder("gpt2", "")
    ('org/m', 'huggingface.co/gpt2')
    """
    if name.startswith(f"{_NO_NAMESPACE}/"):
        detail = f"repos/{_NO_NAMESPACE}/ holds the repositories without a namespace"
        raise NotAModel("unusable name", detail, name=name, repository=url)
    return name if "/" in name else f"{_NO_NAMESPACE}/{name}"
