"""Refused (拒绝): the one way a rule says no."""

from enum import StrEnum

from zwhub.kernel.words import Words


class Reason(StrEnum):
    """Why a request was refused; the `code` of a `UserError`, part of the public contract."""

    NOT_ALLOWED = "NOT_ALLOWED"
    UNAUTHENTICATED = "UNAUTHENTICATED"
    INVALID_INPUT = "INVALID_INPUT"
    TOO_MANY = "TOO_MANY"
    TOO_LONG = "TOO_LONG"
    UNKNOWN_ITEM = "UNKNOWN_ITEM"
    UNKNOWN_LICENCE = "UNKNOWN_LICENCE"
    UNKNOWN_UPLOAD = "UNKNOWN_UPLOAD"
    WRONG_STATE = "WRONG_STATE"


class Refused(Exception):
    """A request the rules turn down.

    `path` leads to the offending place in the caller's arguments, e.g. ("input", "purpose").
    """

    def __init__(self, reason: Reason, words: Words, path: tuple[str, ...] = ()) -> None:
        super().__init__(words.en)
        self.reason = reason
        self.words = words
        self.path = path
