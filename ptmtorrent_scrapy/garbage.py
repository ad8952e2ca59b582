"""How often Python searches for garbage: objects that name each other, which it cannot free at once."""

import gc

_OBJECTS = 20_000  # new ones between two searches, some 5 MB


def collect_rarely() -> None:
    """Search less often than Python's 700 objects: models, records and rows are free of cycles.

    Otherwise a listing or an export takes up to a third longer.
    """
    gc.freeze()  # modules and settings stay until the end
    gc.set_threshold(_OBJECTS)
