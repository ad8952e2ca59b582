"""Fields of an answer of Hugging Face's API, for each kind of repository and each query.

The names are those that the hub's own error messages list: https://huggingface.co/docs/hub/api, huggingface_hub's
`Expand*Property_T`. The hub's maintainers state which fields a single repository has and a listing lacks
(huggingface_hub, pull request 3182).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from multidict import MultiMapping

_ALWAYS = frozenset(("_id", "id"))
_FLAGS = ("full", "cardData", "config")


class BadQuery(ValueError):
    """A query that the hub answers with 400; the message is the hub's."""


@dataclass(frozen=True)
class Fields:
    """The fields of one kind of repository."""

    plain: frozenset[str]  # of a listing without parameters
    full: frozenset[str]  # added by `full`
    flags: tuple[str, ...]  # fields that a parameter of the same name adds
    expandable: tuple[str, ...]  # that `expand` can name in a listing
    detail: tuple[str, ...]  # that `expand` can also name for a single repository
    only_expanded: frozenset[str]  # only sent with `expand`

    def of_listing(self, query: MultiMapping[str], accepted: frozenset[str] | None) -> frozenset[str]:
        """Return the fields of a listing; `accepted` is what `expand` may name now, None for all. Raise `BadQuery`."""
        names = tuple(name for name in self.expandable if accepted is None or name in accepted)
        if accepted is not None and not accepted and _expanded(query):
            raise BadQuery('"expand" is not allowed')
        if (expanded := _checked(_expanded(query), names)) is None:
            wanted = self.plain | (self.full if is_true(query, "full") else frozenset())
            return wanted | {flag for flag in self.flags if is_true(query, flag)}
        if any(is_true(query, flag) for flag in _FLAGS):
            raise BadQuery('"expand" cannot be used with "full", "cardData" or "config"')
        return expanded

    def of_one(self, query: MultiMapping[str], known: Mapping[str, Any]) -> frozenset[str]:
        """Return the fields of a single repository, out of the known ones. Raise `BadQuery`."""
        expanded = _checked(_expanded(query), (*self.expandable, *self.detail))
        return frozenset(known) - self.only_expanded if expanded is None else expanded


def _expanded(query: MultiMapping[str]) -> list[str]:
    return [*query.getall("expand", []), *query.getall("expand[]", [])]


def _checked(expanded: list[str], accepted: tuple[str, ...]) -> frozenset[str] | None:
    """Return the fields in `expand`; None without it. Raise `BadQuery`."""
    if not expanded:
        return None
    if not set(expanded) <= set(accepted):
        raise BadQuery(f'"expand" must be one of [{", ".join(accepted)}]')
    return _ALWAYS | frozenset(expanded)


def is_true(query: MultiMapping[str], parameter: str) -> bool:
    """Return whether a parameter is set."""
    return query.get(parameter, "false").lower() in ("true", "1")


MODELS = Fields(
    plain=_ALWAYS | {"modelId", "likes", "private", "downloads", "tags", "pipeline_tag", "library_name", "createdAt"},
    full=frozenset(("author", "sha", "lastModified", "gated", "siblings")),
    flags=("cardData", "config"),
    expandable=(
        *("author", "baseModels", "cardData", "config", "createdAt", "disabled", "downloads", "downloadsAllTime"),
        *("evalResults", "gated", "inference", "inferenceProviderMapping", "lastModified", "library_name", "likes"),
        *("mask_token", "model-index", "pipeline_tag", "private", "safetensors", "sha", "siblings", "spaces", "tags"),
        *("transformersInfo", "trendingScore", "widgetData", "gguf", "resourceGroup", "xetEnabled"),
    ),
    detail=("childrenModelCount", "usedStorage"),
    only_expanded=frozenset(("baseModels", "childrenModelCount", "downloadsAllTime", "inference", "trendingScore")),
)
DATASETS = Fields(
    plain=_ALWAYS
    | {"author", "sha", "createdAt", "lastModified", "private", "gated", "disabled", "likes", "downloads", "tags"}
    | {"description", "trendingScore", "paperswithcode_id"},
    full=frozenset(("cardData", "citation", "siblings")),
    flags=(),
    expandable=(
        *("author", "cardData", "citation", "createdAt", "disabled", "description", "downloads", "downloadsAllTime"),
        *("gated", "lastModified", "likes", "mainSize", "paperswithcode_id", "private", "siblings", "sha", "tags"),
        *("trendingScore", "resourceGroup", "xetEnabled"),
    ),
    detail=("usedStorage",),
    only_expanded=frozenset(("downloadsAllTime", "mainSize", "trendingScore")),
)
SPACES = Fields(
    plain=_ALWAYS | {"likes", "trendingScore", "private", "sdk", "tags", "createdAt"},
    full=frozenset(("author", "sha", "lastModified", "cardData", "siblings", "subdomain", "runtime")),
    flags=(),
    expandable=(
        *("author", "cardData", "createdAt", "datasets", "disabled", "lastModified", "likes", "models", "private"),
        *("runtime", "sdk", "sha", "siblings", "subdomain", "tags", "trendingScore", "resourceGroup", "xetEnabled"),
    ),
    detail=("usedStorage", "region"),
    only_expanded=frozenset(("trendingScore",)),
)
