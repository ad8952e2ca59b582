"""`python -m benchmarks [NAME ...] [FILE]`: print figures of this machine; the ratios hold for others, too.

Each table compares measurements of one run, made one after the other on the same machine. FILE has recorded
objects of Hugging Face's listing, one per line; without it they are generated.
"""

import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks.clones import clones, disk, machines, shaped
from benchmarks.exports import exports
from benchmarks.listing import listings, memory
from benchmarks.measure import compiled

_recorded = next((Path(name) for name in sys.argv[1:] if Path(name).is_file()), None)  # objects, one per line
BENCHMARKS: dict[str, Callable[[Path], None]] = {
    "listing": lambda folder: listings(folder, _recorded),
    "clones": lambda folder: clones(folder, 200),
    "shaped": lambda folder: shaped(folder, 200),
    "machines": lambda folder: machines(folder, 60),
    "disk": lambda folder: disk(folder, 200),
    "memory": lambda folder: memory(folder, 30_000, 300_000),
    "exports": lambda folder: exports(folder, 300_000),
}


def main() -> None:
    """Run the named benchmarks, or all."""
    memory_folder = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(dir=memory_folder if memory_folder.is_dir() else None))
    try:
        compiled()
        for name in [name for name in sys.argv[1:] if not Path(name).is_file()] or BENCHMARKS:
            (folder / name).mkdir()
            BENCHMARKS[name](folder / name)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
