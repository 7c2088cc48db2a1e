"""Malformed (格式错误): the one thing every identifier's parser raises."""

from zwhub.kernel.words import Words


class MalformedIdentifier(ValueError):
    """A text that is not the identifier it should be; `words` never quotes it."""

    def __init__(self, words: Words) -> None:
        super().__init__(words.en)
        self.words = words
