"""docs/licence-format.md as a stranger reads it (读格式说明): its code, its examples, the schema."""

import json
import re
from datetime import datetime
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker

ROOT = Path(__file__).parents[1]
EXAMPLES = ("ES256", "EdDSA", "PS256", "SM2")
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def section(title: str, page: str = "docs/licence-format.md") -> str:
    """The text under the heading that begins with `title`, up to the next heading."""
    text = (ROOT / page).read_text("utf-8")
    parts = re.split(r"^#+ ", text, flags=re.MULTILINE)
    (found,) = [part for part in parts if part.startswith(title)]
    return found


def blocks(title: str, language: str, page: str = "docs/licence-format.md") -> list[str]:
    """The fenced blocks of that language in a section."""
    return [code for name, code in _BLOCK.findall(section(title, page)) if name == language]


def function(title: str, name: str) -> Any:
    """A function that the section defines in Python."""
    (code,) = blocks(title, "python")
    defined: dict[str, Any] = {}
    exec(code, defined)  # noqa: S102 - our own documentation
    return defined[name]


def example(algorithm: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The decoded header and payload, as the documentation shows them."""
    header, payload = (json.loads(code) for code in blocks(f"{algorithm}:", "json"))
    return header, payload


def _is_instant(value: object) -> bool:
    return not isinstance(value, str) or bool(datetime.fromisoformat(value))


def validator() -> Draft202012Validator:
    """The published schema with its format checks on.

    jsonschema itself knows `date-time` only with a further package: the calendar's part of the
    rule is lent to it here, the form stands in the schema's pattern.
    """
    schema = json.loads((ROOT / "schema/licence.schema.json").read_text("utf-8"))
    Draft202012Validator.check_schema(schema)
    formats = FormatChecker(["date"])
    formats.checks("date-time", ValueError)(_is_instant)
    return Draft202012Validator(schema, format_checker=formats)
