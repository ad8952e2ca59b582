"""Our own tables, for data that PeaTMOSS has no columns for. Their names begin with `ptm_`."""

import sqlite3

from ptmtorrent_scrapy.exports.sqlite import peatmoss

_TABLES = """
CREATE TABLE ptm_about (
    key TEXT PRIMARY KEY,
    value TEXT
) WITHOUT ROWID;
CREATE TABLE ptm_crawl (
    id INTEGER PRIMARY KEY,
    hub TEXT NOT NULL,
    started TEXT,
    ended TEXT,
    version TEXT,
    reason TEXT,
    problem TEXT,
    models INTEGER,
    records INTEGER,
    arguments TEXT,  -- JSON
    settings TEXT,   -- JSON
    counts TEXT,     -- JSON
    is_source INTEGER NOT NULL  -- 1: the hub's records are of this crawl
);
CREATE TABLE ptm_repository (
    id INTEGER PRIMARY KEY,
    hub TEXT NOT NULL,
    url TEXT NOT NULL,
    path TEXT,       -- of the clone, below data/HUB/
    "commit" TEXT,
    branch TEXT,
    status TEXT,
    error TEXT,
    attempts INTEGER,
    started TEXT,
    seconds REAL,
    git_bytes INTEGER,
    lfs_objects INTEGER,
    lfs_bytes INTEGER,
    UNIQUE (hub, url)
);
CREATE TABLE ptm_file (
    repository_id INTEGER NOT NULL REFERENCES ptm_repository (id),
    path TEXT NOT NULL,
    size INTEGER,    -- bytes of the content, also of a large file
    blob TEXT,       -- git blob id
    sha256 TEXT,     -- of a large file (git-lfs)
    state TEXT       -- of a large file: stored or pointer
);
CREATE TABLE ptm_model (
    model_id INTEGER PRIMARY KEY REFERENCES model (id),
    hub TEXT NOT NULL,
    name TEXT NOT NULL,
    owner TEXT,
    url TEXT,
    owner_url TEXT,
    task TEXT,
    architecture TEXT,
    library TEXT,
    license TEXT,
    license_url TEXT,
    base_model_relation TEXT,
    parameters INTEGER,
    bytes INTEGER,
    downloads_all_time INTEGER,
    created TEXT,
    modified TEXT,
    gated INTEGER,
    disabled INTEGER,
    private INTEGER,
    repository_id INTEGER REFERENCES ptm_repository (id),
    repository_url TEXT,
    repository_path TEXT,
    metadata_file TEXT,
    metadata_object_id INTEGER
);
CREATE TABLE ptm_record (
    model_id INTEGER PRIMARY KEY REFERENCES model (id),
    json TEXT NOT NULL
);
CREATE TABLE ptm_base_model (
    model_id INTEGER NOT NULL REFERENCES model (id),
    base TEXT NOT NULL,
    base_model_id INTEGER REFERENCES model (id),  -- NULL: the tree does not have it
    relation TEXT    -- finetune, adapter, quantized or merge
);
CREATE TABLE ptm_dataset_usage (
    model_id INTEGER NOT NULL REFERENCES model (id),
    dataset_id INTEGER NOT NULL REFERENCES dataset (id),
    usage TEXT NOT NULL,  -- train or eval
    PRIMARY KEY (model_id, dataset_id, usage)
) WITHOUT ROWID;
CREATE TABLE ptm_dataset_mention (
    model_id INTEGER NOT NULL REFERENCES model (id),
    mention TEXT NOT NULL,
    PRIMARY KEY (model_id, mention)
) WITHOUT ROWID;
CREATE TABLE ptm_license (
    model_id INTEGER NOT NULL REFERENCES model (id),
    spdx TEXT NOT NULL,
    PRIMARY KEY (model_id, spdx)
) WITHOUT ROWID;
CREATE TABLE ptm_rejected (
    hub TEXT NOT NULL,
    name TEXT,
    position INTEGER,
    reason TEXT NOT NULL,
    detail TEXT
);
"""
_INDICES = (
    ("model", "model_hub_id"),
    ("model", "downloads"),
    ("hf_commit", "commit_id"),
    ("hf_commit", "model_id"),
    ("hf_git_ref", "model_id"),
    ("hf_commit_to_author", "author_id"),
    ("ptm_model", "hub, name"),
    ("ptm_model", "task"),
    ("ptm_model", "owner"),
    ("ptm_base_model", "model_id"),
    ("ptm_base_model", "base"),
    ("ptm_base_model", "base_model_id"),
    ("ptm_dataset_usage", "dataset_id"),
    ("ptm_license", "spdx"),
    ("ptm_file", "repository_id"),
    ("ptm_file", "path"),
    ("ptm_file", "blob"),
    ("ptm_file", "sha256"),
    ("ptm_rejected", "hub, reason"),
)


def create(connection: sqlite3.Connection) -> None:
    """Create all tables, empty."""
    peatmoss.create(connection)
    connection.executescript(_TABLES)


def index_repositories(connection: sqlite3.Connection) -> None:
    """Create the index to find models of a repository, once the models are inserted."""
    _index(connection, "ptm_model", "repository_id")


def index(connection: sqlite3.Connection) -> None:
    """Create the indices for common joins, once the rows are inserted, and analyse them for the query planner."""
    for table, columns in (*_INDICES, *peatmoss.joins()):
        _index(connection, table, columns)
    connection.execute("ANALYZE")


def _index(connection: sqlite3.Connection, table: str, columns: str) -> None:
    name = f"ix_{table}_{columns.replace(', ', '_')}"
    connection.execute(f"CREATE INDEX {name} ON {table} ({columns})")
