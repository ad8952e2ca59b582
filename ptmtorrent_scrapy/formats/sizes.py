"""Format sizes for people."""


def human(size: float) -> str:
    """Return a size in bytes for people.

    >>> human(2048), human(3.5e9)
    ('2.0 kB', '3.5 GB')
    """
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.1f} {unit}" if unit != "B" else f"{size:.0f} B"
        size /= 1000
    return f"{size:.1f} TB"
