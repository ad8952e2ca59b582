"""The state of a running crawl, which its components share."""

from dataclasses import dataclass, field
from enum import StrEnum

from ptmtorrent_scrapy.crawl.collected import Collected

REFUSED = "is refused by the listing"  # end of the schema change for a field that the hub no longer provides


class FinishReason(StrEnum):
    """Reason for the end of a crawl, as in crawls.jsonl; Scrapy adds reasons of its own, such as `shutdown`."""

    FINISHED = "finished"
    FAILED = "failed"
    CANCELLED = "cancelled"
    LISTING_FAILED = "listing_failed"
    TREE_UNAVAILABLE = "tree_unavailable"
    NO_SPACE = "no_space"
    MAX_BYTES = "max_bytes"
    NOTHING_SELECTED = "nothing_selected"
    UNREACHABLE = "unreachable"


def exit_status(reason: str | None) -> int:
    """Return 0 for a crawl that finished, 2 for one whose arguments select no model, else 1."""
    if reason == FinishReason.NOTHING_SELECTED:
        return 2
    return 0 if reason == FinishReason.FINISHED else 1


class Phase(StrEnum):
    """The phase that a crawl is in."""

    LISTING = "listing"
    CLONING = "cloning"
    WRITING = "writing"


@dataclass(frozen=True, kw_only=True)
class ResumePage:
    """The last page of an interrupted listing."""

    file: str | None  # `file:` URL of its copy; None if that is damaged
    url: str  # where it came from
    following: str | None  # URL of the next page


@dataclass(kw_only=True)
class CrawlState:
    """The state of one crawl while it runs."""

    phase: Phase = Phase.LISTING  # which the log shows once a minute
    problem: str | None = None  # why the crawl ends early or incomplete: one line for the user
    started: str = ""  # RFC 3339: names the crawl, as in crawls.jsonl
    faults: int = 0  # items lost to errors of this program
    passing_losses: int = 0  # models without a record because a server could not be reached this time
    is_listing_outdated: bool = False  # the hub has changed, so the listing cannot be resumed
    resume_page: ResumePage | None = None
    collected: Collected | None = None  # once the clones of the crawl are done
    records_age: float | None = None  # seconds, if the crawl uses the records of an earlier one
    listing_seconds: float | None = None  # None for a listing that was resumed
    # For the progress display
    waits_until: float = 0.0  # time.monotonic() until which no request is sent
    waits_for: str = ""  # why
    requests_left: int | None = None  # in the window of the rate limit, from the hub's headers
    paused: dict[str, float] = field(default_factory=dict)  # host -> time.monotonic() until which none is cloned
    cloning: set[str] = field(default_factory=set)  # AUTHOR/MODEL of the repositories that are being cloned
