"""Stand-in hubs: servers on loopback that answer like the real model hubs, and misbehave on demand."""

from tests.hubs.content import Executable, Files, Large, Repository, Submodule, Symlink
from tests.hubs.faults import Fault
from tests.hubs.server import Hubs, Served

__all__ = ["Executable", "Fault", "Files", "Hubs", "Large", "Repository", "Served", "Submodule", "Symlink"]
