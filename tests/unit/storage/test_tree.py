"""Names of hubs that become folders of the tree."""

import pytest

from ptmtorrent_scrapy.storage.tree import UnusableName, check_folder, check_name, is_git_folder

IGNORED = ("\u200c", "\u200d", "\u200e", "\u202e", "\u206f", "\ufeff", "\u034f", "\ufe0f")  # by HFS+ and its heirs


@pytest.mark.parametrize(
    "name",
    [
        *(".git", ".GIT", ".Git", ".git.", ".git ", ".git . .", "git~1", "GIT~1", "git~1 .", "git~2"),
        *(".git::$INDEX_ALLOCATION", ".git:x", "\uff0egit", ".g\u0131t".replace("\u0131", "I")),
        *(f".g{ignored}it" for ignored in IGNORED),
        *(f"{ignored}.git{ignored}" for ignored in IGNORED),
    ],
)
def test_every_spelling_of_git_s_own_folder_is_rejected(name: str) -> None:
    assert is_git_folder(name)
    for folder in (f"x/{name}", f"{name}/x"):
        with pytest.raises(UnusableName):
            check_folder(folder)


@pytest.mark.parametrize("name", [".github", "git", "a.git", ".gitattributes", "git~x", "digit~1", ".git_", "模.git型"])
def test_names_that_only_look_like_git_s_folder_are_accepted(name: str) -> None:
    assert check_name(name) == name
