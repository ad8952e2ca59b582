"""DOIs of papers, told from how papers are named on model hubs."""

import re
from urllib.parse import unquote

# https://info.arxiv.org/help/arxiv_identifier.html, the scheme since April 2007 and the one before
_ARXIV_ID = r"(\d{4}\.\d{4,5}|[a-z-]+(?:\.[A-Z]{2})?/\d{7})(?:v\d+)?"
_ARXIV = re.compile(_ARXIV_ID)
_ARXIV_NAMED = re.compile(rf"arxiv(?:\.org/(?:abs|pdf|html|format|e-print)/|[:.]\s*){_ARXIV_ID}", re.IGNORECASE)
# https://www.crossref.org/blog/dois-and-matching-regular-expressions/
_DOI = re.compile(r"10\.\d{4,9}/[-._;()/:A-Z0-9]+", re.IGNORECASE)


def arxiv_doi(identifier: str) -> str | None:
    """The DOI that arXiv gives a paper, from its id with or without a version; None for what is no arXiv id.

    >>> arxiv_doi("1810.04805v2")
    '10.48550/arXiv.1810.04805'
    """
    match = _ARXIV.fullmatch(identifier.strip())
    return f"10.48550/arXiv.{match[1]}" if match else None


def dois(text: str) -> list[str]:
    """The DOIs that a text or a URL names, bare, each once: DOIs as such, and those of papers on arXiv.

    >>> dois("https://arxiv.org/pdf/1512.03385.pdf and doi:10.1109/CVPR.2016.90.")
    ['10.48550/arXiv.1512.03385', '10.1109/CVPR.2016.90']
    """
    text = unquote(text)
    found = [f"10.48550/arXiv.{match[1]}" for match in _ARXIV_NAMED.finditer(text)]
    others = (_closed(match[0].rstrip(".,;:")) for match in _DOI.finditer(text))
    return list(dict.fromkeys([*found, *(doi for doi in others if not doi.lower().startswith("10.48550/arxiv."))]))


def _closed(doi: str) -> str:
    """Without the parenthesis that closes what the DOI stood in."""
    return doi.rstrip(")") if doi.count(")") > doi.count("(") else doi
