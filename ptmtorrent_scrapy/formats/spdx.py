"""SPDX licence identifiers.

https://spdx.org/licenses/
"""

import re
from functools import lru_cache

from license_expression import LicenseSymbol, Licensing, get_spdx_licensing

_LONGEST = 60  # characters of an identifier
_VERSION = re.compile(r"\d")  # a name without a digit is a family, such as `gpl`


@lru_cache(maxsize=1)
def _licensing() -> Licensing:
    """Load the list of licences, which takes 0.1 s and 8 MB."""
    return get_spdx_licensing()


@lru_cache(maxsize=4096)
def spdx_identifier(name: str) -> str | None:
    """Return the SPDX identifier of a licence in its own spelling; None if it is not an identifier.

    A deprecated identifier becomes its replacement.

    >>> spdx_identifier("apache-2.0"), spdx_identifier("GPL-3.0"), spdx_identifier("llama2")
    ('Apache-2.0', 'GPL-3.0-only', None)
    """
    if len(name) > _LONGEST or not name.isascii() or not name.isprintable() or " " in name:
        return None
    symbol = _licensing().known_symbols.get(name) or _by_other_spelling().get(name.lower())
    if not isinstance(symbol, LicenseSymbol) or symbol.is_exception or symbol.key.startswith("LicenseRef-"):
        return None
    return str(symbol.key)


@lru_cache(maxsize=1)
def _by_other_spelling() -> dict[str, LicenseSymbol]:
    """Return the licences by current and deprecated identifiers, in lower case."""
    symbols = _licensing().known_symbols.values()
    former = {alias.lower(): symbol for symbol in symbols for alias in symbol.aliases if _VERSION.search(alias)}
    return former | {symbol.key.lower(): symbol for symbol in symbols}
