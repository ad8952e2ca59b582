"""Recognise errors of the disk, and describe them in a line for the user."""

import errno


def is_full(error: BaseException) -> bool:
    """Return whether an error means that the disk, or the user's quota, is full."""
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


def described(error: OSError) -> str:
    """Return what failed: the file, or the disk if the error has no file.

    >>> described(OSError(28, "No space left on device", "data/x")), described(OSError(5, "Input/output error"))
    ('data/x: No space left on device', 'the disk of the data tree: Input/output error')
    """
    return f"{error.filename or 'the disk of the data tree'}: {error.strerror or error}"
