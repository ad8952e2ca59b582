"""Results of checks: what was found, and what to do."""

from dataclasses import dataclass

OK, WARNING, WRONG = "ok", "warning", "wrong"


@dataclass(frozen=True)
class CheckResult:
    """The result of one check."""

    check: str
    state: str  # ok, warning or wrong
    found: str
    advice: str = ""

    def __str__(self) -> str:
        advice = f"; {self.advice}" if self.advice else ""
        return f"{self.state:<8} {self.check:<16} {self.found}{advice}"
