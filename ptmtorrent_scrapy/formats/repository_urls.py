"""What the URL of a repository tells."""

import re
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

_FORGES = ("github.com", "gitlab.com", "bitbucket.org", "codeberg.org", "gitee.com", "gist.github.com")
_LIKE_GITLAB = re.compile(
    r"(gitlab|git|gitea)\.[a-z0-9.-]+\.[a-z]+"
)  # GitLab, Gitea and the like on hosts of their own
_NAME = re.compile(r"~?[\w.-]*[\w-][\w.-]*", re.ASCII)
_GIST = re.compile(r"[0-9a-f]+")
_SCP = re.compile(r"(?:ssh://)?git@([\w.-]+)[:/](.+)", re.ASCII)
_NO_PROJECTS = ("-", "blob", "commit", "commits", "issues", "raw", "src", "tree", "wikis")  # what follows a project
# First names on GitHub under which there are no repositories.
_NO_OWNERS = (
    *("about", "apps", "blog", "collections", "enterprise", "explore", "features", "login", "marketplace"),
    *("notifications", "orgs", "pricing", "search", "security", "settings", "sponsors", "stars", "topics", "trending"),
    "users",
)


@dataclass(frozen=True)
class Named:
    """A repository as a link names it."""

    url: str  # clone URL; the same for all links to the repository but for upper and lower case
    owner: str
    owner_url: str
    folder: str  # AUTHOR/MODEL, different for different repositories


class Repositories:
    """The repositories that the links of a hub name, each once: forges do not tell upper from lower case."""

    def __init__(self) -> None:
        self._named: dict[str, Named] = {}

    def named(self, link: str) -> Named | None:
        """The repository that a link names, in the spelling of the first link to it; None if it names none."""
        found = repository(link)
        if found is None or urlsplit(found.url).netloc not in _FORGES:
            return found
        return self._named.setdefault(found.url.casefold(), found)


def repository(link: str) -> Named | None:
    """The repository on a forge that a link names, or leads into; None if it names none.

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
    if host == "gist.github.com":  # owned by a user of GitHub, or by nobody
        owner_url = f"https://github.com/{owner}" if owner else base
        return Named(f"{base}/{name}", owner or host, owner_url, f"{host}/{name}")
    author = "+".join(groups if host == "github.com" else [host, *groups])  # no name has a plus
    ending = "" if _is_forge(host) else ".git"  # what else knows no other address
    return Named(f"{base}/{owner}/{name}{ending}", owner, f"{base}/{owner}", f"{author}/{name}")


def _host_and_path(link: str) -> tuple[str, list[str]]:
    """The host of a link and the names of its path; a host of "" where git should not be sent to it."""
    link = link.strip()
    if match := _SCP.fullmatch(link):
        link = f"https://{match[1]}/{match[2]}"
    elif link.lower().startswith((*_FORGES, "www.")):
        link = f"https://{link}"
    try:
        parts = urlsplit(link)
        plain = parts.scheme in ("http", "https", "git") and parts.port in (None, 80, 443)
    except ValueError:
        return "", []
    host = (parts.hostname or "").removeprefix("www.").rstrip(".") if plain else ""
    path = [unquote(name) for name in parts.path.split("/") if name]
    return "github.com" if host == "raw.githubusercontent.com" else host, path


def _is_forge(host: str) -> bool:
    return host in _FORGES or _LIKE_GITLAB.fullmatch(host) is not None


def _gist(path: list[str]) -> list[str]:
    """(owner, id) or (id) of a gist."""
    names = [name.removesuffix(".git") for name in path[:2]]
    return next((names[: end + 1] for end in (1, 0) if names[end:] and _GIST.fullmatch(names[end])), [])


def _project(host: str, path: list[str]) -> list[str]:
    """The names that lead to the project itself; empty if the path leads to none."""
    ends = [number for number, name in enumerate(path) if number and name.endswith(".git")]
    if ends:
        return [*path[: ends[0]], path[ends[0]].removesuffix(".git")]
    if host == "github.com" and path[:1] and path[0].lower() in _NO_OWNERS:
        return []
    if host in _FORGES and host != "gitlab.com":
        return path[:2] if len(path) > 1 else []
    if not _is_forge(host):
        return []
    end = next((number for number, name in enumerate(path) if number > 1 and name in _NO_PROJECTS), len(path))
    return path[:end] if end > 1 else []


def owner_and_name(url: str) -> tuple[str, str] | None:
    """Owner and name of the repository that a web address on a forge such as GitHub names; None if it names none.

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
