"""Evidence (替代证照表达式): `A[x,y]+B|C` — AND is `+`, OR is `|`, attributes stand in brackets. Pure."""

import re
from collections.abc import Mapping, Set
from typing import Any

from zwhub.kernel.words import Words

_NEED = re.compile(r"([a-z][a-z0-9-]*)(?:\[([^\[\]|+]+)\])?")


class BadEvidence(ValueError):
    """The expression cannot be read, or names what is not known."""

    def __init__(self, words: Words) -> None:
        super().__init__(words.en)
        self.words = words


def read_evidence(expression: str, surfaces: Mapping[str, Set[str]]) -> list[list[dict[str, Any]]]:
    """Lists of alternatives (OR) of needs (AND): `{"type": key, "attributes": [names]}`.

    `surfaces` are the known items on each type's face, by type key.
    """
    if not expression:
        return []
    return [
        [_need(part.strip(), surfaces) for part in together.split("+")]
        for together in expression.split("|")
    ]


def _need(part: str, surfaces: Mapping[str, Set[str]]) -> dict[str, Any]:
    match = _NEED.fullmatch(part)
    if match is None:
        raise BadEvidence(Words("evidence 表达式有误", "evidence cannot be read"))
    key, listed = match[1], match[2]
    attributes = [name.strip() for name in listed.split(",")] if listed else []
    if key not in surfaces:
        raise BadEvidence(
            Words(
                f"evidence 中的 {key} 不是证照类型",
                f"evidence names {key}, which is no licence type",
            )
        )
    unknown = [name for name in attributes if name not in surfaces[key]]
    if unknown:
        listed = "、".join(unknown)
        raise BadEvidence(
            Words(f"{key} 的照面没有：{listed}", f"the face of {key} has no: {listed}")
        )
    return {"type": key, "attributes": attributes}
