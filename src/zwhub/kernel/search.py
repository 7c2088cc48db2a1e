"""Text search (文本检索) for Chinese without a dictionary: overlapping pairs of characters."""

import unicodedata

LONGEST_QUERY = 100


def normalised(text: str) -> str:
    """One width, lower case, and nothing but letters and digits of any script."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(char if char.isalnum() else " " for char in folded)


def grams(text: str) -> list[str]:
    """All single characters and neighbouring pairs of each word, sorted.

    A text contains a word only if its grams contain the word's grams: an index on them finds
    every candidate, whatever the language.
    """
    found: set[str] = set()
    for word in normalised(text).split():
        found.update(word)
        found.update(word[i : i + 2] for i in range(len(word) - 1))
    return sorted(found)


def words_of(query: str) -> list[str]:
    """The words that must all occur, from what a person typed.

    Signs alone ("%") stay as they are: no text holds them, so they find nothing, not everything.
    """
    typed = query[:LONGEST_QUERY]
    return normalised(typed).split() or typed.split()
