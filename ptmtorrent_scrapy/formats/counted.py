"""Format numbers with their nouns."""


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """Return a number with its noun, in the plural unless the number is 1.

    >>> counted(1, "model"), counted(2_000, "model"), counted(0, "repository", "repositories")
    ('1 model', '2,000 models', '0 repositories')
    """
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"


def repositories(number: int) -> str:
    """Return a number of repositories.

    >>> repositories(1), repositories(2)
    ('1 repository', '2 repositories')
    """
    return counted(number, "repository", "repositories")
