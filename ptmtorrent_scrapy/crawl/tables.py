"""Tables of the database of a crawl, and the statements that choose repositories."""

TABLES = """
CREATE TABLE model (
    key TEXT PRIMARY KEY, name TEXT, wanted INTEGER, rank INTEGER,
    url TEXT, folder TEXT, hub_commit TEXT, gated INTEGER, bytes INTEGER, hub_id TEXT
);
CREATE TABLE repository (
    url TEXT PRIMARY KEY, folder TEXT, hub_commit TEXT, gated INTEGER, bytes INTEGER, hub_id TEXT, host TEXT,
    chosen INTEGER, previous_path TEXT, found TEXT, problem TEXT, files BLOB
);
CREATE TABLE result (url TEXT PRIMARY KEY, path TEXT, line BLOB);
CREATE TABLE commit_check (url TEXT PRIMARY KEY, hub_id TEXT, server_commit TEXT, at INTEGER);
CREATE TABLE checkpoint (number INTEGER PRIMARY KEY, state BLOB);
"""

# Models without a repository count for the share, though there is nothing to clone.
CHOOSE = """
INSERT INTO repository (url, folder, hub_commit, gated, bytes, hub_id, host, chosen)
SELECT url, folder, max(hub_commit), max(gated), max(bytes), max(hub_id), host(url), 1 FROM (
    SELECT rowid AS position, * FROM model WHERE wanted ORDER BY rank DESC, rowid LIMIT ?
) WHERE url IS NOT NULL GROUP BY url ORDER BY max(rank) DESC, min(position)
"""
# Replacements of chosen repositories that cannot be cloned: numbered after all others, so they are cloned next.
CHOOSE_MORE = """
INSERT OR REPLACE INTO repository (rowid, url, folder, hub_commit, gated, bytes, hub_id, host, chosen)
SELECT (SELECT max(rowid) FROM repository) + row_number() OVER (ORDER BY max(rank) DESC, min(position)),
    url, folder, max(hub_commit), max(gated), max(bytes), max(hub_id), host(url), 1 FROM (
    SELECT rowid AS position, * FROM model WHERE wanted ORDER BY rank DESC, rowid LIMIT ? OFFSET ?
) WHERE url IS NOT NULL AND url NOT IN (SELECT url FROM repository WHERE chosen) GROUP BY url
"""
REST = """
INSERT OR IGNORE INTO repository (url, folder, hub_commit, gated, bytes, hub_id, host, chosen)
SELECT url, folder, max(hub_commit), max(gated), max(bytes), max(hub_id), host(url), 0 FROM model
WHERE url IS NOT NULL GROUP BY url HAVING max(hub_commit) IS NULL ORDER BY min(rowid)
"""
