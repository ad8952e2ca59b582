"""Results of checks: what was found, and what to do."""

from dataclasses import dataclass
from enum import StrEnum


class CheckState(StrEnum):
    """The state of what was checked, as `scrapy doctor` prints it."""

    OK = "ok"
    WARNING = "warning"
    WRONG = "wrong"


OK, WARNING, WRONG = CheckState.OK, CheckState.WARNING, CheckState.WRONG


@dataclass(frozen=True)
class CheckResult:
    """The result of one check."""

    check: str
    state: CheckState
    found: str
    advice: str = ""

    def __str__(self) -> str:
        advice = f"; {self.advice}" if self.advice else ""
        return f"{self.state:<8} {self.check:<16} {self.found}{advice}"
