"""Set how often Python collects garbage: reference cycles, which it cannot free at once."""

import gc

_OBJECTS = 20_000  # new ones between two searches, some 5 MB


def collect_rarely() -> None:
    """Collect less often than after Python's 700 objects: models, records and rows have no cycles.

    Otherwise a listing or an export takes up to a third longer.
    """
    gc.freeze()  # modules and settings stay until the end
    gc.set_threshold(_OBJECTS)
