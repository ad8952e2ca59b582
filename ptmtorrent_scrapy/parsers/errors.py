"""Errors of parsers."""


class NotAModel(Exception):
    """An object of which no model can be made. Arguments: a few words, and what they say of this one."""

    def __init__(
        self, reason: str, detail: str = "", *, name: str | None = None, repository: str | None = None
    ) -> None:
        super().__init__(reason)
        self.reason, self.detail, self.name, self.repository = reason, detail, name, repository
