"""Errors of parsers."""


class NotAModel(Exception):
    """An object that cannot become a model. Arguments: a few fixed words, and the details of this object."""

    def __init__(
        self, reason: str, detail: str = "", *, name: str | None = None, repository: str | None = None
    ) -> None:
        super().__init__(reason)
        self.reason, self.detail, self.name, self.repository = reason, detail, name, repository
