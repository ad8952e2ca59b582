"""YAML of hubs, read without trusting it."""

from typing import Any

import yaml

_DEEPEST = 100  # libyaml's composer calls itself for each level, until the stack ends and the process with it
_LONGEST = 1 << 18  # characters

Broken = (yaml.YAMLError, ValueError, TypeError, RecursionError, OverflowError)  # what reading YAML may raise


def load(text: str) -> Any:
    """The value of a YAML document of plain types, without aliases. Raises one of `Broken`.

    >>> load("a: [1, 2]")
    {'a': [1, 2]}
    """
    if len(text) > _LONGEST:
        raise ValueError(f"{len(text)} characters are too many")
    depth = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        if isinstance(event, yaml.AliasEvent):  # a few lines of them mean a billion values
            raise ValueError("aliases are not read")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST:
            raise ValueError(f"more than {_DEEPEST} levels")
    return yaml.load(text, Loader=yaml.CSafeLoader)
