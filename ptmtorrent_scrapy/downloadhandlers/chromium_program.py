"""Find a browser, or why none can be used. Imports no Scrapy."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

_PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# In the folders of Playwright's own browsers, on Linux and macOS
_PLAYWRIGHTS = (
    "chromium-*/chrome-linux*/chrome",
    "chromium_headless_shell-*/chrome-*/*headless*shell",
    "chromium-*/chrome-mac*/*.app/Contents/MacOS/*",
)


def find() -> str | None:
    """Return the path of a Chromium: that of this machine, else the one that Playwright has installed."""
    installed = (shutil.which(name) for name in _PROGRAMS)
    playwrights = (str(path) for folder in _folders() for kind in _PLAYWRIGHTS for path in sorted(folder.glob(kind)))
    return next((path for path in (*installed, *playwrights) if path and os.access(path, os.X_OK)), None)


def problem() -> str | None:
    """Return why no page can be loaded in a browser; None if one can."""
    if find() is None:
        return "no browser is installed"
    if find_spec("scrapy_playwright") is None:
        return 'scrapy-playwright is not installed; pip install "ptmtorrent-scrapy[browser]"'
    driver = subprocess.run([sys.executable, "-m", "playwright", "--version"], capture_output=True, check=False)
    errors = driver.stderr.decode("utf-8", "replace").strip().splitlines()
    return f"Playwright does not run: {(errors or ['no error message'])[-1]}" if driver.returncode else None


def _folders() -> Iterator[Path]:
    if folder := os.environ.get("PLAYWRIGHT_BROWSERS_PATH"):
        yield Path(folder)
    elif home := os.environ.get("HOME"):
        yield Path(home, ".cache", "ms-playwright")
        yield Path(home, "Library", "Caches", "ms-playwright")
