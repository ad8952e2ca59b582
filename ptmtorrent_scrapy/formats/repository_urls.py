"""Find the repositories that links lead to."""

import re
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

_FORGES = ("github.com", "gitlab.com", "bitbucket.org", "codeberg.org", "gitee.com", "gist.github.com")
# GitLab, Gitea and the like on hosts of their own
_LIKE_GITLAB = re.compile(r"(gitlab|git|gitea)\.[a-z0-9.-]+\.[a-z]+")
_NAME = re.compile(r"~?[\w.-]*[\w-][\w.-]*", re.ASCII)
_GIST = re.compile(r"[0-9a-f]+")
_SCP = re.compile(
    r"(?:git\+)?(?:ssh://(?:[\w.-]+@)?([\w.-]+)(?::\d+)?/|[\w.-]+@([\w.-]+)[:/]|(github\.com):)(.+)", re.ASCII
)
_GIT_NAME = re.compile(r"(.*)\.git(?:@.*)?", re.IGNORECASE)
_GISTS = {"gist.githubusercontent.com": "gist.github.com"}
_LONGEST = 2000  # characters of a link
# Hosts that serve files of GitHub repositories, with the path segments before OWNER
_MIRRORS = {
    "api.github.com": ("repos",),
    "codeload.github.com": (),
    "colab.research.google.com": ("github",),
    "github.dev": (),
    "media.githubusercontent.com": ("media",),
    "nbviewer.jupyter.org": ("github",),
    "nbviewer.org": ("github",),
    "raw.github.com": (),
    "raw.githubusercontent.com": (),
    "ssh.github.com": (),
}
# What follows a project in the URLs of GitLab and similar forges
_VIEWS = frozenset(
    (
        *("-", "activity", "archive", "blob", "branches", "commit", "commits", "graphs", "issues", "merge_requests"),
        *("network", "pipelines", "raw", "releases", "snippets", "src", "tags", "tree", "wiki", "wikis"),
    )
)
# First path segments on forges that are not owners
_NO_OWNERS = frozenset(
    (
        *("-", "about", "account", "advisories", "api", "apps", "blog", "codespaces", "collections", "contact"),
        *(
            "dashboard",
            "enterprise",
            "enterprises",
            "events",
            "explore",
            "features",
            "groups",
            "help",
            "issues",
            "join",
            "login",
        ),
        *("logout", "marketplace", "new", "notifications", "organizations", "orgs", "pricing", "product", "pulls"),
        *("readme", "resources", "search", "security", "sessions", "settings", "signup", "site", "snippets"),
        *("customer-stories", "git-guides", "mobile", "newsroom", "premium-support", "why-github"),
        *(
            "solutions",
            "sponsors",
            "stars",
            "support",
            "team",
            "topics",
            "trending",
            "user",
            "users",
            "watching",
            "workspace",
        ),
    )
)


@dataclass(frozen=True)
class NamedRepository:
    """The repository that a link names."""

    url: str  # clone URL; the same for all links to the repository, except for case
    owner: str
    owner_url: str
    folder: str  # AUTHOR/MODEL, different for different repositories


class Repositories:
    """The distinct repositories in the links of a hub; forges ignore case."""

    def __init__(self) -> None:
        self._named: dict[str, NamedRepository] = {}

    def named(self, link: str) -> NamedRepository | None:
        """Return the repository that a link names, in the spelling of the first such link; None if there is none."""
        found = repository(link)
        if found is None or urlsplit(found.url).netloc not in _FORGES:
            return found
        return self._named.setdefault(found.url.casefold(), found)


def repository(link: str) -> NamedRepository | None:
    """Return the repository on a forge that a link leads to; None if there is none.

    Examples:
        >>> repository("http://www.github.com/pytorch/vision/tree/main/torchvision/").url
        'https://github.com/pytorch/vision'
        >>> repository("git@gitlab.com:group/sub/project.git").folder
        'gitlab.com+group+sub/project'
        >>> repository("https://arxiv.org/abs/1512.03385")
    """
    host, path = _host_and_path(link)
    names = _gist(path) if host == "gist.github.com" else _project(host, path)
    if not names or not all(_NAME.fullmatch(name) for name in names):
        return None
    *groups, name = names
    owner, base = "/".join(groups), f"https://{host}"
    if host == "gist.github.com":  # owned by a user of GitHub, or without owner
        owner_url = f"https://github.com/{owner}" if owner else base
        return NamedRepository(f"{base}/{name}", owner or host, owner_url, f"{host}/{name}")
    author = "+".join(groups if host == "github.com" else [host, *groups])  # no name has a plus
    ending = "" if _is_forge(host) else ".git"  # other servers have only this address
    return NamedRepository(f"{base}/{owner}/{name}{ending}", owner, f"{base}/{owner}", f"{author}/{name}")


def _host_and_path(link: str) -> tuple[str, list[str]]:
    """Return the host and the path segments of a link; an empty host if git must not connect to it."""
    link = link.strip().lstrip("<(").rstrip(">),;.")
    if len(link) > _LONGEST:
        return "", []
    if match := _SCP.fullmatch(link):
        link = f"https://{match[1] or match[2] or match[3]}/{match[4]}"
    elif link.lower().startswith((*_FORGES, "www.")):
        link = f"https://{link}"
    try:
        parts = urlsplit(link.removeprefix("git+"))
        plain = parts.scheme in ("http", "https", "git") and parts.port in (None, 80, 443, 9418)
    except ValueError:
        return "", []
    host = (parts.hostname or "").removeprefix("www.").rstrip(".") if plain else ""
    path = [unquote(name) for name in parts.path.split("/") if name not in ("", ".")]
    return _on_github(host, path) if host in _MIRRORS else (_GISTS.get(host, host), path)


def _on_github(host: str, path: list[str]) -> tuple[str, list[str]]:
    """Return GitHub's host and path for a file that another host serves."""
    before = _MIRRORS[host]
    if tuple(path[: len(before)]) != before:
        return "", []
    rest = path[len(before) :]
    return "github.com", rest[1:] if host.startswith("raw.") and rest[:1] == ["wiki"] else rest


def _is_forge(host: str) -> bool:
    return host in _FORGES or _LIKE_GITLAB.fullmatch(host) is not None


def _gist(path: list[str]) -> list[str]:
    """Return (owner, id) or (id) of a gist."""
    names = [name.removesuffix(".git") for name in path[:2]]
    return next((names[: end + 1] for end in (1, 0) if names[end:] and _GIST.fullmatch(names[end])), [])


def _project(host: str, path: list[str]) -> list[str]:
    """Return the path segments of the project itself; none if the path has no project."""
    if ".." in path or (_is_forge(host) and path[:1] and path[0].lower() in _NO_OWNERS):
        return []
    if host in _FORGES and host != "gitlab.com":
        is_project = len(path) > 1 and (host, path[1]) != ("bitbucket.org", "workspace")
        return _without_git(path[:2]) if is_project else []
    end = next((number for number, name in enumerate(path) if number > 1 and name in _VIEWS), len(path))
    ends = [number for number, name in enumerate(path[:end]) if number and _GIT_NAME.fullmatch(name)]
    if ends:
        return _without_git(path[: ends[0] + 1])
    return path[:end] if _is_forge(host) and end > 1 else []


def _without_git(names: list[str]) -> list[str]:
    """Return the segments of a project without `.git`, pip's additions after it, or the suffix of its wiki.

    Examples:
        >>> _without_git(["o", "n.git@v1.0"]), _without_git(["o", "n.wiki.git"])
        (['o', 'n'], ['o', 'n'])
    """
    match = _GIT_NAME.fullmatch(names[-1])
    name = match[1].removesuffix(".wiki") if match else names[-1]
    return [*names[:-1], name] if name.lower() != ".git" else []


def comparable(url: str) -> str:
    """Return the URL of a repository in the form for comparisons.

    Examples:
        >>> comparable("https://github.com/onnx/models.git/")
        'https://github.com/onnx/models'
    """
    return url.rstrip("/").removesuffix(".git")


def owner_and_name(url: str) -> tuple[str, str] | None:
    """Return owner and name of the repository in a web address of a forge; None if there is none.

    Examples:
        >>> owner_and_name("https://github.com/modelhub-ai/squeezenet.git")
        ('modelhub-ai', 'squeezenet')
    """
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        return None
    names = [unquote(name) for name in parts.path.split("/") if name]
    if parts.scheme not in ("http", "https") or not parts.hostname or len(names) < 2:
        return None
    return names[0], names[1].removesuffix(".git")
