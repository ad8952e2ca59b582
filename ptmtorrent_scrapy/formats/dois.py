"""DOIs of papers, told from how papers are named on model hubs."""

import re
from urllib.parse import unquote

# https://info.arxiv.org/help/arxiv_identifier.html, the scheme since April 2007 and the one before
_ARXIV_ID = r"(\d{4}\.\d{4,5}|[a-z-]+(?:\.[A-Z]{2})?/\d{7})(?:v\d+)?"
_ARXIV = re.compile(_ARXIV_ID)
_ARXIV_NAMED = re.compile(
    r"(?:(?:arxiv|ar5iv|alphaxiv)(?:\.labs\.arxiv)?\.org/+(?:abs|pdf|html|format|e-print|ps|ftp/arxiv/papers/\d{4})/+"
    rf"|arxiv-vanity\.com/papers/|huggingface\.co/papers/|arxiv[:.]\s*|/arxiv/){_ARXIV_ID}",
    re.IGNORECASE,
)
# https://aclanthology.org/info/ids/: papers whose ids are in their DOIs, which is so for conferences since 2015, not
# for journals, workshops and the meetings of others.
_ACL_NAMED = re.compile(
    r"(?:aclanthology\.(?:org|info)|aclweb\.org/anthology|aclanthology\.coli\.uni-saarland\.de)/(?:\S*/)?"
    r"([PNDKS]1[6-9]-\d{4}|[DK]15-\d{4}|E17-\d{4}"
    r"|20[2-9]\d\.(?:(?:acl|emnlp|naacl|eacl|findings)-[a-z]+|coling-main|conll-1|semeval-1)\.\d+)(?!\d)",
    re.IGNORECASE,
)
_NATURE_NAMED = re.compile(r"nature\.com/articles/([a-z]+\d+|s\d{5}-[\d-]+\w)(?![\w-])")
# https://www.crossref.org/blog/dois-and-matching-regular-expressions/
_DOI = re.compile(r"(?<![\w.])10\.\d{4,9}/[-._;()/:A-Z0-9]+", re.IGNORECASE)
# What publishers' pages have after the DOI in their address
_AFTER_DOI = re.compile(r"(?:/(?:full|abstract|pdf|epdf|fulltext|meta)|\.full|\.abstract)*(?:\.pdf|\.html?)?/*$")
_BIORXIV_VERSION = re.compile(r"(10\.1101/[\d.]+)v\d+.*")


def arxiv_doi(identifier: str) -> str | None:
    """The DOI that arXiv gives a paper, from its id with or without a version; None for what is no arXiv id.

    >>> arxiv_doi("1810.04805v2")
    '10.48550/arXiv.1810.04805'
    """
    match = _ARXIV.fullmatch(identifier.strip())
    return f"10.48550/arXiv.{match[1]}" if match else None


def dois(text: str) -> list[str]:
    """The DOIs that a text or a URL names, bare, each once: DOIs as such, and those that ids of papers tell.

    >>> dois("https://arxiv.org/pdf/1512.03385.pdf and doi:10.1109/CVPR.2016.90.")
    ['10.48550/arXiv.1512.03385', '10.1109/CVPR.2016.90']
    >>> dois("https://www.aclweb.org/anthology/P18-1031.pdf https://www.nature.com/articles/nature14539")
    ['10.18653/v1/P18-1031', '10.1038/nature14539']
    """
    text = unquote(text)
    found = [f"10.48550/arXiv.{match[1]}" for match in _ARXIV_NAMED.finditer(text)]
    others = [_bare(match[0]) for match in _DOI.finditer(text)]
    others += [
        f"10.18653/v1/{match[1] if '.' in match[1] else match[1].upper()}" for match in _ACL_NAMED.finditer(text)
    ]
    others += [f"10.1038/{match[1]}" for match in _NATURE_NAMED.finditer(text)]
    return list(dict.fromkeys([*found, *(doi for doi in others if not doi.lower().startswith("10.48550/arxiv."))]))


def _bare(doi: str) -> str:
    """A DOI as it was found, without what the page's address or the sentence goes on with."""
    doi = _AFTER_DOI.sub("", doi.rstrip(".,;:"))
    if doi.count(")") > doi.count("("):  # what the DOI stood in is closed
        doi = doi.rstrip(")").rstrip(".,;:")
    return _BIORXIV_VERSION.sub(r"\1", doi)
