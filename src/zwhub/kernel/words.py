"""Words for people (面向人的文字): every message exists in Chinese and in English."""

from dataclasses import dataclass
from enum import StrEnum


class Language(StrEnum):
    """The two languages the hub speaks."""

    ZH = "zh"
    EN = "en"


@dataclass(frozen=True, slots=True)
class Words:
    """One message in both languages."""

    zh: str
    en: str

    def in_(self, language: Language) -> str:
        return self.zh if language is Language.ZH else self.en


def both(words: Words) -> str:
    """Both languages on one line, for descriptions in the schema and on a terminal."""
    return f"{words.zh} · {words.en}"


def preferred_language(accept_language: str, default: Language = Language.ZH) -> Language:
    """The language a caller prefers, from an `Accept-Language` header (RFC 9110 §12.5.4).

    Unknown languages and malformed parts are skipped; without a usable part, `default`.
    """
    best, best_quality = default, 0.0
    for part in accept_language[:200].split(","):
        tag, _, parameters = part.strip().partition(";")
        language = _LANGUAGES.get(tag.strip().lower().split("-")[0])
        quality = _quality(parameters)
        if language is not None and quality > best_quality:
            best, best_quality = language, quality
    return best


_LANGUAGES = {"zh": Language.ZH, "en": Language.EN}


def _quality(parameters: str) -> float:
    name, _, value = parameters.strip().partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return min(max(float(value), 0.0), 1.0)
    except ValueError:
        return 0.0
