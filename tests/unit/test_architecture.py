"""The table of packages in docs/architecture.md agrees with the code."""

import ast
import re
from collections import defaultdict

from tests.conftest import ROOT

PACKAGE = ROOT / "ptmtorrent_scrapy"
ROW = re.compile(r"^\| (`[a-z/`, ]+`) \| .+ \| (.+) \|$", re.MULTILINE)


def imports() -> dict[str, set[str]]:
    """Return the packages that the modules of each package import, without itself, `formats` and single modules."""
    packages = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    used: dict[str, set[str]] = defaultdict(set)
    for path in PACKAGE.glob("*/**/*.py"):
        own = path.relative_to(PACKAGE).parts[0]
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(f"{PACKAGE.name}."):
                used[own].add(str(node.module).split(".")[1])
        used[own] = used[own] & packages - {own, "formats"}
    return used


def test_the_table_of_packages_is_that_of_the_code() -> None:
    used, seen = imports(), set()
    for names, others in ROW.findall((ROOT / "docs" / "architecture.md").read_text()):
        packages = {name.split("/")[0] for name in re.findall(r"`([a-z/]+)`", names)}
        seen |= packages
        if others != "all":
            assert set(re.findall(r"`([a-z]+)`", others)) == set().union(*(used[each] for each in packages)), packages
    assert seen == used.keys()
