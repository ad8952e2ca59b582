"""Create the tables of PeaTMOSS, so that its queries and SQLAlchemy classes work on our file.

https://github.com/PurdueDualityLab/PeaTMOSS-Demos lists the tables and columns.
"""

import sqlite3

# Columns are text, or `:int`, or refer to the `id` of another table (`>`); `!` means UNIQUE. Each table has an
# `id`, except those that join two others, whose key is the pair.
_TABLES = """
ptm_issues: repo_url!
ptm_pull_requests: repo_url!
model_hub: name! url!
architecture: name!
author: name!
dataset: name!
framework: name!
language: name! abbreviation!
library: name!
license: name!
paper: name!
tag: name!
model: context_id:int! model_hub_id>model_hub sha repo_url downloads:int likes:int has_snapshot:int
 ptm_issues_id>ptm_issues ptm_pull_requests_id>ptm_pull_requests
hf_commit: commit_id created_at title message model_id>model
hf_git_ref: model_id>model
hf_git_ref_info: name ref target_commit
discussion: title status num:int repo_id repo_type is_pull_request:int created_at endpoint target_branch
 merge_commit_oid diff model_id>model
discussion_event: event_id type created_at author content edited:int hidden:int new_status summary oid old_title
 new_title discussion_id>discussion
file_path: path discussion_id>discussion
reuse_repository: owner name url (owner,name)!
reuse_file: path model_id>model reuse_repository_id>reuse_repository (path,model_id)!
github_user: login! email name
github_repository: name url
github_milestone: number:int title description due_on
github_issue: author_id>github_user body closed:int closed_at created_at comment_id milestone_id>github_milestone
 number:int project_cards state title updated_at url!
github_pull_request: additions:int author_id>github_user base_ref_name body changed_files:int closed:int closed_at
 created_at deletions:int head_ref_name head_repository_id>github_repository head_repository_owner_id>github_user
 is_cross_repository:int is_draft:int maintainer_can_modify:int merge_commit_id>github_merge_commit merge_state_status
 mergeable merged_at merged_by_id>github_user milestone_id>github_milestone number:int
 potential_merge_commit_id>github_merge_commit project_cards review_decision state title updated_at url!
github_pull_request_file: path additions:int deletions:int pull_request_id>github_pull_request
github_commit: authored_date committed_date message_body message_headline oid pull_request_id>github_pull_request
github_merge_commit: commit_id>github_commit
github_review: author_id>github_user author_association body submitted_at includes_created_edit:int state
 pull_request_id>github_pull_request
github_status_check_rollup: name status conclusion started_at completed_at details_url
 pull_request_id>github_pull_request
github_comment: author_id>github_user author_association body created_at includes_created_edit:int is_minimized:int
 minimized_reason issue_id>github_issue pull_request_id>github_pull_request
github_label: name description color issue_id>github_issue pull_request_id>github_pull_request
github_reaction_group: content total_count:int issue_id>github_issue pull_request_id>github_pull_request
 github_comment_id>github_comment review_id>github_review
"""
_JOINS = """
model_to_architecture: model_id>model architecture_id>architecture
model_to_author: model_id>model author_id>author
model_to_dataset: model_id>model dataset_id>dataset
model_to_framework: model_id>model framework_id>framework
model_to_language: model_id>model language_id>language
model_to_library: model_id>model library_id>library
model_to_license: model_id>model license_id>license
model_to_paper: model_id>model paper_id>paper
model_to_tag: model_id>model tag_id>tag
model_to_reuse_repository: model_id>model reuse_repository_id>reuse_repository
hf_commit_to_author: hf_commit_id>hf_commit author_id>author
hf_git_ref_to_branch: hf_git_ref_id>hf_git_ref hf_git_ref_info_id>hf_git_ref_info
hf_git_ref_to_tag: hf_git_ref_id>hf_git_ref hf_git_ref_info_id>hf_git_ref_info
discussion_to_author: discussion_id>discussion author_id>author
reuse_repo_to_issue: reuse_repository_id>reuse_repository github_issue_id>github_issue
reuse_repo_to_pull_request: reuse_repository_id>reuse_repository github_pull_request_id>github_pull_request
ptm_issue_to_issue: ptm_issue_id>ptm_issues github_issue_id>github_issue
ptm_pull_request_to_pull_request: ptm_pull_request_id>ptm_pull_requests github_pull_request_id>github_pull_request
issue_to_assignee: issue_id>github_issue assignee_id>github_user
pull_request_to_assignee: pull_request_id>github_pull_request assignee_id>github_user
pull_request_to_review_requests: pull_request_id>github_pull_request review_request_id>github_user
commit_to_author: commit_id>github_commit author_id>github_user
"""


def create(connection: sqlite3.Connection) -> None:
    """Create the tables."""
    for table, columns in _tables(_TABLES):
        connection.execute(_statement(table, ["id INTEGER NOT NULL"], columns, ["PRIMARY KEY (id)"]))
    for table, columns in _tables(_JOINS):
        pair = ", ".join(column.partition(">")[0] for column in columns)
        connection.execute(
            _statement(table, [], columns, [f"PRIMARY KEY ({pair})"], null=" NOT NULL") + " WITHOUT ROWID"
        )


def joins() -> list[tuple[str, str]]:
    """Return (table, column) of the second column of each join with models, which needs its own index."""
    return [(table, columns[1].partition(">")[0]) for table, columns in _tables(_JOINS) if table.startswith("model_to")]


def _tables(text: str) -> list[tuple[str, list[str]]]:
    """Return each table with its columns.

    >>> _tables("a: x! y:int\\nb: z>a")
    [('a', ['x!', 'y:int']), ('b', ['z>a'])]
    """
    lines = text.replace("\n ", " ").strip().splitlines()
    return [(line.split(":", 1)[0], line.split(":", 1)[1].split()) for line in lines]


def _statement(table: str, first: list[str], columns: list[str], last: list[str], null: str = "") -> str:
    parts, constraints = [*first], [*last]
    for column in columns:
        unique, column = column.endswith("!"), column.removesuffix("!")
        name, _, target = column.partition(">")
        name, is_integer = name.removesuffix(":int"), bool(target) or column.endswith(":int")
        if not column.startswith("("):
            parts.append(f"{name} {'INTEGER' if is_integer else 'VARCHAR'}{null}")
        if unique:
            constraints.append(f"UNIQUE ({column.strip('()').removesuffix(':int').replace(',', ', ')})")
        if target:
            constraints.append(f"FOREIGN KEY ({name}) REFERENCES {target} (id)")
    return f"CREATE TABLE {table} ({', '.join([*parts, *constraints])})"
