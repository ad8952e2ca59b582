"""DOIs of papers."""

import pytest

from ptmtorrent_scrapy.formats.dois import arxiv_doi, dois

_PAPERS = {
    "1810.04805": "1810.04805",
    "1810.04805v3": "1810.04805",
    " 1706.03762 ": "1706.03762",
    "arXiv:1810.04805": "1810.04805",
    "abs/1706.03762": "1706.03762",
    "https://arxiv.org/abs/2106.09685": "2106.09685",
    "0704.0001": "0704.0001",
    "1412.6980": "1412.6980",
    "cs/0112017": "cs/0112017",
    "cs/0112017v2": "cs/0112017",
    "cs.CL/0301001": "cs/0301001",
    "math.GT/0309136v1": "math/0309136",
    "https://arxiv.org/abs/cond-mat.str-el/0507151": "cond-mat/0507151",
    "physics.atom-ph/0101001": "physics/0101001",
    "hep-th/9901001": "hep-th/9901001",
    "q-alg/9512001": "q-alg/9512001",
}
_NO_PAPERS = (
    *("not-an-id", "1810.048", "10.1000/182", "0000.00000", "1300.12345", "1313.12345", "2101.00000", "2301.123456"),
    *(
        "0703.0001",
        "1501.0001",
        "\uff11\uff18\uff11\uff10.\uff10\uff14\uff18\uff10\uff15",
        "1234.56789",
        "9912.12345",
        "foo/0101001",
        "cs/0113017",
        "math/0000000",
        "cs/01120177",
    ),
)


@pytest.mark.parametrize(("identifier", "paper"), _PAPERS.items())
def test_an_arxiv_id_is_a_paper(identifier: str, paper: str) -> None:
    assert arxiv_doi(identifier) == f"10.48550/arXiv.{paper}"


@pytest.mark.parametrize("identifier", _NO_PAPERS)
def test_an_id_that_arxiv_cannot_have_given_is_no_paper(identifier: str) -> None:
    assert arxiv_doi(identifier) is None
    assert not [doi for doi in dois(f"https://arxiv.org/abs/{identifier} arXiv:{identifier}") if "arXiv" in doi]
    assert not [doi for doi in dois(f"10.48550/arXiv.{identifier}") if "arXiv" in doi]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("https://arxiv.org/pdf/1512.03385v1.pdf", ["10.48550/arXiv.1512.03385"]),
        ("https://doi.org/10.1109/CVPR.2016.90", ["10.1109/CVPR.2016.90"]),
        ("@article{x, journal={arXiv preprint arXiv:1602.07360}}", ["10.48550/arXiv.1602.07360"]),
        ("doi={10.1007/978-3-319-24574-4_28},", ["10.1007/978-3-319-24574-4_28"]),
        ("https://dx.doi.org/10.1016/S0140-6736(18)31645-3", ["10.1016/S0140-6736(18)31645-3"]),
        ("https://www.science.org/doi/full/10.1126/science.abc/full.pdf", ["10.1126/science.abc"]),
        ("https://www.biorxiv.org/content/10.1101/2020.01.01.123v2.full", ["10.1101/2020.01.01.123"]),
        ("https://aclanthology.org/volumes/2020.acl-main.747.pdf", ["10.18653/v1/2020.acl-main.747"]),
        ("(see 10.1000/182).", ["10.1000/182"]),
        ("10.48550/arXiv.2010.11929 and https://arxiv.org/abs/2010.11929", ["10.48550/arXiv.2010.11929"]),
        ("https://example.org/paper", []),
        ("10.1000/" + "a" * 400, []),
    ],
)
def test_dois_in_text(text: str, found: list[str]) -> None:
    assert dois(text) == found
