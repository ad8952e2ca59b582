"""Views for common questions; docs/export.md shows their output."""

import sqlite3
from typing import NamedTuple


class View(NamedTuple):
    """A view: its question and its query."""

    question: str
    query: str


# Sums use floats: a sum of integers fails if hubs send numbers near 2**63.
VIEWS = {
    "ptm_most_downloaded_by_task": View(
        "Which ten models of each task are downloaded most?",
        """
        SELECT task, rank, name, hub, downloads, likes FROM (
            SELECT p.task, p.name, p.hub, m.downloads, m.likes,
                   row_number() OVER (PARTITION BY p.task ORDER BY m.downloads DESC, p.name) AS rank
            FROM ptm_model p JOIN model m ON m.id = p.model_id
            WHERE p.task IS NOT NULL AND m.downloads IS NOT NULL
        ) WHERE rank <= 10 ORDER BY task, rank
        """,
    ),
    "ptm_license_flow": View(
        "Which licence of a base model becomes which licence of the models that are derived from it?",
        """
        SELECT coalesce(base.license, 'none') AS base_license, b.relation,
               coalesce(derived.license, 'none') AS license, count(*) AS models
        FROM ptm_base_model b
        JOIN ptm_model derived ON derived.model_id = b.model_id
        JOIN ptm_model base ON base.model_id = b.base_model_id
        GROUP BY 1, 2, 3 ORDER BY models DESC, base_license, license, relation
        """,
    ),
    "ptm_shared_weights": View(
        "Which large files are in several repositories?",
        """
        SELECT sha256, max(size) AS size, count(DISTINCT repository_id) AS repositories,
               min(r.url) AS one_of_them, min(f.path) AS path
        FROM ptm_file f JOIN ptm_repository r ON r.id = f.repository_id
        WHERE sha256 IS NOT NULL
        GROUP BY sha256 HAVING count(DISTINCT repository_id) > 1
        ORDER BY repositories DESC, size DESC, sha256
        """,
    ),
    "ptm_models_without_license": View(
        "Which models state no licence, the most downloaded first?",
        """
        SELECT p.name, p.hub, m.downloads, p.url
        FROM ptm_model p JOIN model m ON m.id = p.model_id
        WHERE p.license IS NULL ORDER BY m.downloads DESC, p.hub, p.name
        """,
    ),
    "ptm_most_used_base_models": View(
        "From which models are most others derived, and how?",
        """
        SELECT base, relation, count(*) AS models, max(base_model_id) AS base_model_id
        FROM ptm_base_model GROUP BY base, relation ORDER BY models DESC, base, relation
        """,
    ),
    "ptm_most_used_datasets": View(
        "Which datasets are most models trained or evaluated on?",
        """
        SELECT d.name, u.usage, count(*) AS models
        FROM ptm_dataset_usage u JOIN dataset d ON d.id = u.dataset_id
        GROUP BY u.dataset_id, u.usage ORDER BY models DESC, d.name, u.usage
        """,
    ),
    "ptm_owners": View(
        "Who has how many models, with how many downloads?",
        """
        SELECT p.hub, p.owner, count(*) AS models,
               CAST(sum(m.downloads + 0.0) AS INTEGER) AS downloads, CAST(sum(m.likes + 0.0) AS INTEGER) AS likes
        FROM ptm_model p JOIN model m ON m.id = p.model_id
        GROUP BY p.hub, p.owner ORDER BY models DESC, p.hub, p.owner
        """,
    ),
    "ptm_models_by_month": View(
        "How many models were created in each month?",
        """
        SELECT substr(created, 1, 7) AS month, hub, count(*) AS models
        FROM ptm_model WHERE created IS NOT NULL GROUP BY 1, 2 ORDER BY 1, 2
        """,
    ),
    "ptm_repositories_by_status": View(
        "How did the clones end, and how much was downloaded?",
        """
        SELECT hub, status, count(*) AS repositories, CAST(sum(git_bytes + 0.0) AS INTEGER) AS git_bytes,
               CAST(sum(lfs_bytes + 0.0) AS INTEGER) AS lfs_bytes
        FROM ptm_repository GROUP BY hub, status ORDER BY hub, repositories DESC, status
        """,
    ),
    "ptm_reuse": View(
        "Are models that are downloaded much also used by many Spaces?",
        """
        SELECT p.name, p.hub, m.downloads, count(*) AS spaces
        FROM model_to_reuse_repository t
        JOIN model m ON m.id = t.model_id JOIN ptm_model p ON p.model_id = m.id
        GROUP BY t.model_id ORDER BY spaces DESC, m.downloads DESC, p.name
        """,
    ),
}


def create(connection: sqlite3.Connection) -> None:
    """Create the views."""
    for name, view in VIEWS.items():
        connection.execute(f"CREATE VIEW {name} AS {' '.join(view.query.split())}")
