"""Errors of the disk, as a line for the user."""


def described(error: OSError) -> str:
    """Return what failed: the file, or the disk where the error names none.

    >>> described(OSError(28, "No space left on device", "data/x")), described(OSError(5, "Input/output error"))
    ('data/x: No space left on device', 'the disk of the data tree: Input/output error')
    """
    return f"{error.filename or 'the disk of the data tree'}: {error.strerror or error}"
