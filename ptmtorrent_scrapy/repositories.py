"""What the URL of a repository tells."""

from urllib.parse import unquote, urlsplit


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
