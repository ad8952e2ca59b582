"""Find DOIs of papers in the texts and URLs of model hubs."""

import re
from collections.abc import Iterator
from urllib.parse import unquote

# https://info.arxiv.org/help/arxiv_identifier.html: YYMM.NUMBER since April 2007, ARCHIVE.CLASS/YYMMNUMBER before
_ARXIV_ID = (
    r"(?:(?P<month>\d{4})\.(?P<number>\d{4,5})|(?P<archive>[a-z]{1,8}(?:-[a-z]{2,4})?)(?:\.[a-z]{2,8}(?:-[a-z]{2,8})?)?/"
    r"(?P<old_month>\d{4})(?P<old_number>\d{3}))(?!\d)(?:v\d+)?"
)
_ARXIV = re.compile(rf"(?:arxiv:\s*)?(?:(?:abs|pdf)/)?{_ARXIV_ID}(?:\.pdf)?", re.IGNORECASE | re.ASCII)
_ARXIV_NAMED = re.compile(
    r"(?:(?:arxiv|ar5iv|alphaxiv)(?:\.labs\.arxiv)?\.org/+(?:abs|pdf|html|format|e-print|ps|ftp/arxiv/papers/\d{4})/+"
    rf"|arxiv-vanity\.com/papers/|huggingface\.co/papers/|arxiv[:.]\s*|/arxiv/){_ARXIV_ID}",
    re.IGNORECASE | re.ASCII,
)
# https://info.arxiv.org/help/api/user-manual.html: archives of the old scheme
_ARCHIVES = re.compile(
    "acc-phys|adap-org|alg-geom|ao-sci|astro-ph|atom-ph|bayes-an|chao-dyn|chem-ph|cmp-lg|comp-gas|cond-mat|cs|dg-ga"
    "|funct-an|gr-qc|hep-(?:ex|lat|ph|th)|math|math-ph|mtrl-th|nlin|nucl-ex|nucl-th|patt-sol|physics|plasm-ph"
    "|q-alg|q-bio|quant-ph|solv-int|supr-con"
)
# https://aclanthology.org/info/ids/: papers whose ids are in their DOIs, which is so for conferences since 2015, not
# for journals, workshops and the meetings of others.
_ACL_NAMED = re.compile(
    r"(?:aclanthology\.(?:org|info)|aclweb\.org/anthology|aclanthology\.coli\.uni-saarland\.de)/(?:[\w.~-]{1,40}/){0,4}"
    r"([PNDKS]1[6-9]-\d{4}|[DK]15-\d{4}|E17-\d{4}"
    r"|20[2-9]\d\.(?:(?:acl|emnlp|naacl|eacl|findings)-[a-z]+|coling-main|conll-1|semeval-1)\.\d+)(?!\d)",
    re.IGNORECASE | re.ASCII,
)
_NATURE_NAMED = re.compile(r"nature\.com/articles/([a-z]+\d+|s\d{5}-[\d-]+\w)(?![\w-])", re.ASCII)
# https://www.crossref.org/blog/dois-and-matching-regular-expressions/
_DOI = re.compile(r"(?<![\w.])10\.\d{4,9}/[-._;()/:A-Z0-9]+", re.IGNORECASE | re.ASCII)
_LONGEST = 300  # characters of a DOI
# What follows the DOI in the addresses of publishers' pages
_AFTER_DOI = (
    *("/full", "/abstract", "/pdf", "/epdf", "/fulltext", "/meta", ".full", ".abstract", ".pdf", ".htm", ".html", "/"),
)
_BIORXIV_VERSION = re.compile(r"(10\.1101/[\d.]+)v\d+.*")


def arxiv_doi(identifier: str) -> str | None:
    """Return the DOI of an arXiv paper from its id or URL; None if it is not a valid id.

    Examples:
        >>> arxiv_doi("1810.04805v2"), arxiv_doi("cs.CL/0301001"), arxiv_doi("0000.00000")
        ('10.48550/arXiv.1810.04805', '10.48550/arXiv.cs/0301001', None)
    """
    text = identifier.strip()
    match = _ARXIV.fullmatch(text) or _ARXIV_NAMED.search(text)
    return _arxiv(match) if match else None


def dois(text: str) -> list[str]:
    """Return the distinct DOIs in a text or URL, not as URLs, including those of paper ids.

    Examples:
        >>> dois("https://arxiv.org/pdf/1512.03385.pdf and doi:10.1109/CVPR.2016.90.")
        ['10.48550/arXiv.1512.03385', '10.1109/CVPR.2016.90']
        >>> dois("https://www.aclweb.org/anthology/P18-1031.pdf https://www.nature.com/articles/nature14539")
        ['10.18653/v1/P18-1031', '10.1038/nature14539']
    """
    return list(dict.fromkeys(_dois(unquote(text))))


def _dois(text: str) -> Iterator[str]:
    for match in _ARXIV_NAMED.finditer(text):
        if doi := _arxiv(match):
            yield doi
    for match in _DOI.finditer(text):
        if len(match[0]) <= _LONGEST and not match[0].lower().startswith("10.48550/arxiv."):
            yield _bare(match[0])
    for match in _ACL_NAMED.finditer(text):
        yield f"10.18653/v1/{match[1] if '.' in match[1] else match[1].upper()}"
    for match in _NATURE_NAMED.finditer(text):
        yield f"10.1038/{match[1]}"


def _arxiv(match: re.Match[str]) -> str | None:
    """Return the DOI of an arXiv id; None if its month, number or archive is invalid."""
    year, month = divmod(int(match["month"] or match["old_month"]), 100)
    number = match["number"] or match["old_number"]
    if not 1 <= month <= 12 or not int(number):
        return None
    if archive := match["archive"]:
        is_possible = bool(_ARCHIVES.fullmatch(archive.lower())) and (year >= 91 or year * 100 + month <= 703)
        return f"10.48550/arXiv.{archive.lower()}/{match['old_month']}{number}" if is_possible else None
    is_possible = 704 <= year * 100 + month < 9100 and len(number) == (5 if year >= 15 else 4)
    return f"10.48550/arXiv.{match['month']}.{number}" if is_possible else None


def _bare(doi: str) -> str:
    """Return a DOI without the rest of the page's address or of the sentence."""
    doi = doi.rstrip(".,;:")
    while (ending := next((end for end in _AFTER_DOI if doi.endswith(end)), None)) is not None:
        doi = doi.removesuffix(ending)
    if doi.count(")") > doi.count("("):  # the closing bracket around the DOI
        doi = doi.rstrip(")").rstrip(".,;:")
    return _BIORXIV_VERSION.sub(r"\1", doi)
