"""Checks of Scrapy's settings: their types, the log file, and names that are misspelled."""

import difflib
import logging
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from scrapy.settings import SETTINGS_PRIORITIES, BaseSettings, default_settings
from scrapy.utils.misc import load_object

from ptmtorrent_scrapy import ENVIRONMENT_PREFIX
from ptmtorrent_scrapy import settings as ours
from ptmtorrent_scrapy.crawl.options import InvalidOption
from ptmtorrent_scrapy.formats.printable import show
from ptmtorrent_scrapy.formats.redact import redact

# Whole numbers by default, but read as numbers with a fraction
_FRACTIONS = {"CLOSESPIDER_TIMEOUT", "DNS_TIMEOUT", "DOWNLOAD_DELAY", "DOWNLOAD_DELAY_JITTER", "DOWNLOAD_TIMEOUT"}
_BELOW_ZERO = {"DEPTH_PRIORITY", "REDIRECT_PRIORITY_ADJUST", "RETRY_PRIORITY_ADJUST"}  # that may be
_SIMILAR = 0.85  # of the names of settings: more similar ones are taken for misspelled


def exit_if_wrong(command: str, settings: BaseSettings | None) -> None:
    """End a command with status 2 and one line before Scrapy reads settings that it cannot use."""
    try:
        check_scrapy_settings(settings or BaseSettings())
    except InvalidOption as error:
        show(f"scrapy {command}: {error}", file=sys.stderr)
        sys.exit(2)


def check_scrapy_settings(settings: BaseSettings) -> None:
    """Check the settings that are Scrapy's. Raise `InvalidOption`."""
    for name in _changed(settings):
        if (default := getattr(default_settings, name, None)) is not None:
            _check(name, settings, default)
        elif not hasattr(ours, name) and (near := _misspelled(name)):
            raise InvalidOption(name, redact(str(settings[name])), f"not a setting; did you mean {near}?")
    for variable, value in os.environ.items():
        name = variable.removeprefix(ENVIRONMENT_PREFIX)
        if name != variable and not hasattr(ours, name) and (near := _misspelled(name)):
            raise InvalidOption(variable, redact(value), f"not a setting; did you mean {ENVIRONMENT_PREFIX}{near}?")
    if not isinstance(logging.getLevelName(settings["LOG_LEVEL"]), int):
        raise InvalidOption("LOG_LEVEL", settings["LOG_LEVEL"], "one of DEBUG, INFO, WARNING, ERROR, CRITICAL")
    if settings["LOG_FILE"]:
        _check_log_file(settings["LOG_FILE"])


def _changed(settings: BaseSettings) -> Iterator[str]:
    """Yield the names of the settings that differ from Scrapy's own."""
    for name in list(settings):
        if isinstance(name, str) and (settings.getpriority(name) or 0) > SETTINGS_PRIORITIES["default"]:
            yield name


def _check(name: str, settings: BaseSettings, default: Any) -> None:
    """Read a setting as Scrapy does, by the type of its default. Raise `InvalidOption`."""
    value = settings[name]
    read, accepted = _reader(name, settings, default)
    try:
        is_right = value is None or read(name)
    except (ValueError, TypeError, ImportError, NameError, AttributeError):
        is_right = False
    if not is_right:
        raise InvalidOption(name, value, accepted)


def _reader(name: str, settings: BaseSettings, default: Any) -> tuple[Callable[[str], Any], str]:
    """Return a function that raises or returns false for an invalid value, and a description of valid ones."""
    least = float("-inf") if name in _BELOW_ZERO else 0
    if isinstance(default, bool):
        return lambda name: settings.getbool(name) is not None, "True or False"
    if isinstance(default, float) or name in _FRACTIONS:
        return lambda name: least <= settings.getfloat(name) < float("inf"), "a number, 0 or above"
    if isinstance(default, int):
        return lambda name: settings.getint(name) >= least, "a whole number, 0 or above"
    if isinstance(default, str) and default.startswith(("scrapy.", "twisted.")):
        return lambda name: load_object(settings[name]), "the import path of a class, such as " + default
    return lambda _: True, ""


def _misspelled(name: str) -> str | None:
    """Return the setting of this project with the most similar name."""
    known: Iterable[str] = [each for each in vars(ours) if each.isupper() and not hasattr(default_settings, each)]
    return next(iter(difflib.get_close_matches(name, known, n=1, cutoff=_SIMILAR)), None)


def _check_log_file(path: str) -> None:
    try:
        with open(path, "ab"):
            pass
    except OSError as error:
        accepted = f"a file that can be written; this one cannot: {error.strerror}"
        raise InvalidOption("LOG_FILE", path, accepted) from None
