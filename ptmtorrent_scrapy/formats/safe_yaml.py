"""Read untrusted YAML from hubs."""

from typing import Any

import yaml

_DEEPEST = 100  # libyaml's composer calls itself for each level, until the stack ends and the process with it
_LONGEST = 1 << 18  # characters

Broken = (yaml.YAMLError, ValueError, TypeError, RecursionError, OverflowError)  # what reading YAML may raise


class _Loader(yaml.CSafeLoader):
    """Loads plain types. Base-60 numbers such as 1:30:00 are text, as in YAML 1.2: they take quadratic time."""

    def construct_number(self, node: yaml.ScalarNode) -> Any:
        value = self.construct_scalar(node)
        if ":" in value:
            return value
        return self.construct_yaml_int(node) if node.tag.endswith(":int") else self.construct_yaml_float(node)


for _kind in ("int", "float"):
    _Loader.add_constructor(f"tag:yaml.org,2002:{_kind}", _Loader.construct_number)


def load(text: str) -> Any:
    """Return the value of a YAML document of plain types, without aliases. Raise one of `Broken`.

    >>> load("a: [1, 2]")
    {'a': [1, 2]}
    """
    text = text.removeprefix("\ufeff")
    if len(text) > _LONGEST:
        raise ValueError(f"{len(text)} characters are too many")
    depth = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        if isinstance(event, yaml.AliasEvent):  # a few lines of aliases can mean a billion values
            raise ValueError("aliases are not read")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST:
            raise ValueError(f"more than {_DEEPEST} levels")
    return yaml.load(text, Loader=_Loader)  # noqa: S506 - a CSafeLoader
