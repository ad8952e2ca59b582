"""Spaces as PeaTMOSS's repositories that use models."""

from ptmtorrent_scrapy.catalog import Pair
from ptmtorrent_scrapy.exports.huggingface import LISTINGS, URL
from ptmtorrent_scrapy.exports.sqlite.rows import Rows
from ptmtorrent_scrapy.exports.values import name, names

GITHUB = (  # repositories of models on GitHub, and their owners
    "INSERT INTO github_repository (name, url) SELECT DISTINCT substr(url, 20), url FROM ptm_repository"
    " WHERE url LIKE 'https://github.com/%/%' ORDER BY url",
    "INSERT OR IGNORE INTO github_user (login) SELECT DISTINCT substr(name, 1, instr(name, '/') - 1)"
    " FROM github_repository ORDER BY 1",
)
_FIND = "SELECT id FROM model WHERE context_id = ?"


def add_spaces(rows: Rows, pair: Pair, models_url: str | None) -> None:
    """Add the spaces that use a model of the tree; `models_url` is the URL of the hub of models."""
    connection, count = rows.connection, 0
    for _, space in pair.objects(LISTINGS["spaces"][1]):
        called = name(space.get("id"))
        used = [row[0] for model in names(space.get("models")) for row in connection.execute(_FIND, (model,))]
        if not called or not used:
            continue
        owner, _, own = called.rpartition("/")
        row = (count + 1, owner, own, f"{models_url or URL}/spaces/{called}")
        if connection.execute("INSERT OR IGNORE INTO reuse_repository VALUES (?, ?, ?, ?)", row).rowcount:
            count += 1
            for model in dict.fromkeys(used):
                rows.add("model_to_reuse_repository", model, count)
