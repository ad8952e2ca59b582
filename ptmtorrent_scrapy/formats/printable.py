"""Text of strangers, made safe to show."""


def printable(text: str) -> str:
    r"""Return the text without characters that act on a terminal, or on the direction of what is read.

    >>> printable("a\x1b[2Jb\u202ec ü")
    'a\\x1b[2Jb\\u202ec ü'
    """
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)
