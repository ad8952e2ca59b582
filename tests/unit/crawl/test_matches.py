"""Values of the selection arguments that no model has."""

import orjson

from ptmtorrent_scrapy.crawl.matches import Matches
from ptmtorrent_scrapy.crawl.selection import selection
from ptmtorrent_scrapy.items import Metadata, Model


def model(author: str, task: str) -> Model:
    url = f"https://hub.example/{author}/m"
    return Model(
        key=author,
        metadata=Metadata("{}", {}),
        name="m",
        owner=author,
        url=url,
        owner_url=url,
        task=task,
        repository=url,
    )


def matches() -> Matches:
    return Matches(selection({"author": "google,gogle", "task": "fill-mask"}, default_fraction=1))


def test_a_value_that_no_model_has_is_named_with_the_nearest_one() -> None:
    seen = matches()
    seen.see(model("google", "ner"))
    assert list(seen.unmatched()) == [
        "author=gogle: no model has it; did you mean google?",
        "task=fill-mask: no model has it",
    ]


def test_a_resumed_listing_knows_the_values_of_its_first_part() -> None:
    first = matches()
    first.see(model("google", "fill-mask"))
    resumed = matches()
    resumed.restore(orjson.loads(orjson.dumps(first.save())))
    resumed.see(model("gogle", "ner"))
    assert list(resumed.unmatched()) == []
