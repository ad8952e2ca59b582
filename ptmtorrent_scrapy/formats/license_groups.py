"""Groups of licences by what they allow, of SPDX identifiers in lower case.

The groups follow the categories of https://blueoakcouncil.org/list (permissive), of
https://www.gnu.org/licenses/license-list.html and https://spdx.org/licenses/, and the texts of RAIL and community
licences of models. A group helps to select models; it is not legal advice.
"""

_PERMISSIVE = (
    *("0bsd", "afl-3.0", "apache-2.0", "artistic-2.0", "bsd-2-clause", "bsd-3-clause", "bsd-3-clause-clear", "bsl-1.0"),
    *("cc-by-2.0", "cc-by-2.5", "cc-by-3.0", "cc-by-4.0", "cdla-permissive-1.0", "cdla-permissive-2.0", "ecl-2.0"),
    *("isc", "mit", "mit-0", "ms-pl", "ncsa", "odc-by-1.0", "postgresql", "upl-1.0", "wtfpl", "zlib"),
)
_PUBLIC_DOMAIN = ("cc0-1.0", "pddl-1.0", "unlicense")
_WEAK = ("cddl-1.0", "epl-1.0", "epl-2.0", "eupl-1.1", "eupl-1.2", "mpl-2.0", "ofl-1.1", "odbl-1.0")
_LESSER = tuple(f"lgpl-{version}{end}" for version in ("2.1", "3.0") for end in ("", "-only", "-or-later"))
_GENERAL = tuple(f"{name}{end}" for name in ("gpl-2.0", "gpl-3.0", "agpl-3.0") for end in ("", "-only", "-or-later"))
_SHARE_ALIKE = ("cc-by-sa-3.0", "cc-by-sa-4.0", "gfdl-1.3", "gfdl-1.3-only", "gfdl-1.3-or-later", "osl-3.0")
_NON_COMMERCIAL = tuple(f"cc-by-nc{kind}-{version}" for kind in ("", "-nd", "-sa") for version in ("2.0", "3.0", "4.0"))
_RAIL = (
    *("bigcode-openrail-m", "bigscience-bloom-rail-1.0", "bigscience-openrail-m", "creativeml-openrail-m"),
    *("openrail", "openrail++"),
)

LICENSE_GROUPS: dict[str, frozenset[str]] = {
    "permissive": frozenset((*_PERMISSIVE, *_PUBLIC_DOMAIN)),
    "public-domain": frozenset(_PUBLIC_DOMAIN),
    "weak-copyleft": frozenset((*_WEAK, *_LESSER)),
    "copyleft": frozenset((*_WEAK, *_LESSER, *_GENERAL, *_SHARE_ALIKE)),
    "non-commercial": frozenset(_NON_COMMERCIAL),
    "responsible-ai": frozenset(_RAIL),
}
