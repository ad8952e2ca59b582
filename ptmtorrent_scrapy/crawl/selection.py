"""Selection of the models whose repositories are cloned; all others are listed and recorded as well."""

import hashlib
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

from ptmtorrent_scrapy.crawl import options
from ptmtorrent_scrapy.crawl.options import InvalidOption
from ptmtorrent_scrapy.formats.license_groups import LICENSE_GROUPS
from ptmtorrent_scrapy.items import Model

SHARES = ("fraction", "top", "sample")  # each limits how many models are cloned; only one may be given
WORDS = {"author": "owner", "task": "task", "library": "library", "license": "license"}  # argument -> field of Model
ARGUMENTS = {field: argument for argument, field in WORDS.items()}


@dataclass(frozen=True, kw_only=True)
class Selection:
    """The selection of models by the arguments of a crawl."""

    fraction: Fraction = Fraction(1)
    top: int | None = None
    sample: Fraction | None = None
    seed: str = "0"
    ids: frozenset[str] | None = None
    words: Mapping[str, frozenset[str]] = field(default_factory=dict)  # field of Model -> accepted values, folded
    min_downloads: int = 0
    replaces: bool = False  # other models replace those that cannot be cloned
    given: Mapping[str, frozenset[str]] = field(default_factory=dict)  # field of Model -> values as typed, folded
    private: bool = False  # whether private models are kept

    @property
    def restricts(self) -> bool:
        """Return whether some models cannot be chosen at all."""
        return bool(self.ids is not None or self.words or self.min_downloads)

    @property
    def is_nothing(self) -> bool:
        """Return whether no model can be chosen, so that nothing is cloned."""
        return self.top is None and not (self.fraction if self.sample is None else self.sample)

    def described(self) -> dict[str, Any]:
        """Return it as JSON values, which are equal for equal selections."""
        words = {name: sorted(accepted) for name, accepted in sorted(self.words.items())}
        shares = {"fraction": str(self.fraction), "sample": None if self.sample is None else str(self.sample)}
        given = {name: sorted(values) for name, values in sorted(self.given.items())}
        ids = None if self.ids is None else sorted(self.ids)
        return {**asdict(self), **shares, "words": words, "given": given, "ids": ids}

    def wants(self, model: Model) -> bool:
        """Return whether a model can be chosen."""
        return (
            (self.ids is None or not self.ids.isdisjoint(_names(model)))
            and (model.downloads or 0) >= self.min_downloads
            and all(not accepted.isdisjoint(_values(model, name)) for name, accepted in self.words.items())
        )

    def rank(self, model: Model) -> int:
        """Return the sort key of a model, largest first: its popularity, or a random number from key and seed."""
        if self.sample is None:
            return model.popularity
        drawn = hashlib.blake2b(f"{self.seed}\0{model.key}".encode("utf-8", "surrogatepass"), digest_size=7)
        return int.from_bytes(drawn.digest(), "big")

    def count(self, wanted: int) -> int:
        """Return how many of the wanted models are cloned."""
        if self.top is not None:
            return min(self.top, wanted)
        return int((self.fraction if self.sample is None else self.sample) * wanted)


def selection(given: Mapping[str, str | float], *, default_fraction: float) -> Selection:
    """Return the selection of these arguments. Raise `InvalidOption`.

    Without a share, all models that the other arguments select are cloned.
    """
    _check_shares(given)
    read: dict[str, Callable[[str, Any], Any]] = {
        "fraction": options.fraction,
        "top": options.positive,
        "sample": options.fraction,
        "seed": lambda _, value: str(value),
        "ids": _ids,
        "min_downloads": options.positive,
    }
    private = options.boolean("private", given.get("private", "false"))
    values = {name: parse(name, given[name]) for name, parse in read.items() if name in given}
    words = {attribute: _words(name, str(given[name])) for name, attribute in WORDS.items() if name in given}
    typed = {attribute: _typed(str(given[name])) for name, attribute in WORDS.items() if name in given}
    replaces = _replaces(given)
    if not values and not words:
        return Selection(fraction=options.fraction("fraction", default_fraction), private=private)
    return Selection(words=words, given=typed, replaces=replaces, private=private, **values)


def _check_shares(given: Mapping[str, str | float]) -> None:
    """Check that at most one argument limits the number of models. Raise `InvalidOption`."""
    shares = [name for name in SHARES if name in given]
    if len(shares) > 1:
        raise InvalidOption(shares[1], given[shares[1]], f"to be given without {shares[0]}: either one says how many")
    if "seed" in given and "sample" not in given:
        raise InvalidOption("seed", given["seed"], "to be given with sample only")


def _replaces(given: Mapping[str, str | float]) -> bool:
    """Return whether the next models replace those that cannot be cloned. Raise `InvalidOption`."""
    if "replace" not in given:
        return "top" in given
    if "top" not in given:
        raise InvalidOption("replace", given["replace"], "to be given with top only")
    return options.choice("replace", str(given["replace"]).casefold(), ("true", "false")) == "true"


def _typed(value: str) -> frozenset[str]:
    """Return the comma-separated values, without groups of licences, which no model has as its value."""
    return frozenset(part.strip().casefold() for part in value.split(",") if part.strip()) - frozenset(LICENSE_GROUPS)


def _names(model: Model) -> tuple[str | None, ...]:
    """Return all names that a user may give for a model: id at the hub, name, URL, clone URL."""
    return (model.key, model.name, model.url, model.repository)


def _ids(name: str, value: str) -> frozenset[str]:
    """Return the lines of a file or of standard input (`-`), else comma-separated ids. Raise `InvalidOption`."""
    accepted = "a file with one id, name or URL of a model per line, - for standard input, or ids separated by commas"
    if value == "-":
        text = _standard_input()
    elif not _is_file(value):
        text = value.replace(",", "\n")
    else:
        try:
            text = Path(value).read_text("utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
            raise InvalidOption(name, value, f"{accepted}; {reason}") from None
    found = frozenset(line.strip().rstrip("/") for line in text.splitlines() if line.strip() and line[0] != "#")
    if not found:
        raise InvalidOption(name, value, f"{accepted}; it is empty")
    return found


@cache
def _standard_input() -> str:
    """Return the content of standard input, which is read twice: by the check of the arguments and by the crawl."""
    return sys.stdin.read()


def _is_file(value: str) -> bool:
    """Return whether a value names a file, and not ids: it exists, or it cannot be an id."""
    return Path(value).is_file() or value.startswith(("/", "./", "../", "~")) or value.endswith((".txt", ".csv"))


def _words(name: str, value: str) -> frozenset[str]:
    """Return the accepted values: the complete text, and its comma-separated parts.

    >>> sorted(_words("license", "MIT, apache-2.0"))
    ['apache-2.0', 'mit', 'mit, apache-2.0']
    """
    if not any(part.strip() for part in value.split(",")):
        raise InvalidOption(name, value, "a name that the hub uses, or several separated by commas")
    found = frozenset(parts(value))
    groups = [LICENSE_GROUPS[part] for part in found if part in LICENSE_GROUPS] if name == "license" else []
    return found.union(*groups)


def parts(value: str | None) -> Iterable[str]:
    """Return the values of a field in lower case: the complete text, and its comma-separated parts."""
    if not value:
        return ()
    return [part.strip().casefold() for part in (value, *value.split(",")) if part.strip()]


def _values(model: Model, field: str) -> Iterable[str]:
    """Return the values of a field of a model; of its licence also the SPDX identifiers."""
    if field != "license":
        return parts(getattr(model, field))
    return [*parts(model.license), *(identifier.casefold() for identifier in model.license_spdx)]
