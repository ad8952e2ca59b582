"""Pages that are rendered from Markdown."""

import pytest

from ptmtorrent_scrapy.formats.markdown import TooDeep, render, tables

_EVIL = (
    *(
        "<script>evil()</script>",
        "<img src=x onerror=evil()>",
        "<a href='javascript:evil()'>x</a>",
        "[x](javascript:evil)",
    ),
    *(
        "<iframe src='https://evil'></iframe>",
        "<meta http-equiv=refresh content='0;url=https://evil'>",
        "<svg onload=evil()>",
    ),
    *("<style>@import 'evil'</style>", "<b style='background:url(evil)'>x</b>", "<form action=evil><input></form>"),
    *("<object data=evil></object>", "<base href='https://evil'>", "<a href='data:text/html,evil'>x</a>"),
    *(
        "<scr<script>ipt>evil()</script>",
        "<a href='java\nscript:evil()'>x</a>",
        "<math><mtext><script>evil()</script></mtext></math>",
    ),
)


@pytest.mark.parametrize("markdown", _EVIL)
def test_nothing_of_a_page_runs_or_is_loaded(markdown: str) -> None:
    page = render(f"# Title\n\n{markdown}\n\ntext")
    for tag in ("<script", "<iframe", "<object", "<form", "<base", "<svg", "<style", "<input", "onerror", "onload"):
        assert tag not in page
    assert "javascript:" not in page
    assert "data:text" not in page
    assert "default-src 'none'" in page
    assert page.count("http-equiv") == 1
    assert "text</p>" in page


def test_a_table_has_the_heading_before_it_and_the_anchor_in_that() -> None:
    page = render(
        "|a|\n|-|\n|1|\n\n### One <a name='first'/>\n\n|b|c|\n|-|-|\n|x<br>y|[z](u/v.onnx)|\n\n"
        "## Two\n\ntext\n\n|d|\n|-|\n|2|"
    )
    first, second, third = tables(page)
    assert (first.section, first.anchor, first.columns) == (None, None, ["a"])
    assert (second.section, second.anchor, second.columns) == ("One", "first", ["b", "c"])
    assert [(cell.text, cell.links) for cell in second.rows[0]] == [("x y", []), ("z", ["u/v.onnx"])]
    assert (third.section, third.anchor) == ("Two", None)


def test_the_text_of_a_cell_has_what_follows_comments_and_elements_in_it() -> None:
    assert "<a " not in render("### One <a name='first'/>\n\ntext").partition("text")[0].partition("</h3>")[2]
    (table,) = tables("<table><tr><td>a<!-- no --> <b>b</b>c<br/>d <i>e<br>f</i> g</table>")
    assert table.rows[0][0].text == "a bc d e f g"


@pytest.mark.parametrize("nested", [">", "<div>\n", "<ul><li>", "<span>", "<font color=red>"])
def test_elements_in_many_others_are_an_error(nested: str) -> None:
    assert "text" in render(nested * 100 + "\ntext")
    with pytest.raises(TooDeep, match="in more than 256 others"):
        render(nested * 1000 + "\ntext")


def test_elements_without_end_tags_are_not_in_each_other() -> None:
    page = render("<table>" + "<tr><td>1<br><img src=x>\n" * 1000 + "</table>\n\n" + "<div>a</div></b>\n" * 1000)
    (table,) = tables(page)
    assert len(table.rows) == 1000
