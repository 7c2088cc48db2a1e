from dataclasses import replace

import pytest
from prometheus_client import CollectorRegistry

from frontdoor import DEVELOPER, SCHEMA
from zwhub.gateway.documents import Documents, Prepared
from zwhub.gateway.limits import FrontDoor
from zwhub.gateway.metrics import Metrics
from zwhub.gateway.problems import Code, TurnedAway

GOOD = "{ node { name } }"


class Shelf:
    """A document cache whose hits and misses can be read."""

    def __init__(self, door: FrontDoor = DEVELOPER) -> None:
        self.registry = CollectorRegistry()
        self.documents = Documents(SCHEMA, door, Metrics(self.registry))

    def get(self, text: str) -> Prepared:
        return self.documents.prepare(text, open_=True)

    def count(self, result: str) -> float | None:
        name = "zwhub_graphql_documents_total"
        return self.registry.get_sample_value(name, {"result": result})


def test_a_good_document_is_prepared_once() -> None:
    shelf = Shelf()
    assert shelf.get(GOOD) is shelf.get(GOOD)
    assert (shelf.count("miss"), shelf.count("hit")) == (1, 1)


def test_a_bad_one_is_judged_once_and_turned_away_afresh() -> None:
    shelf = Shelf()
    seen = []
    for _ in range(3):
        with pytest.raises(TurnedAway) as turned:
            shelf.get("{ nowhere }")
        seen.append(turned.value)
    assert (shelf.count("miss"), shelf.count("hit")) == (1, 2)
    assert seen[0] is not seen[1]  # a raised exception grows a traceback each time
    assert seen[0].problems == seen[1].problems


def test_what_one_caller_may_see_is_not_kept_for_another() -> None:
    shelf = Shelf()
    with pytest.raises(TurnedAway) as told:
        shelf.documents.prepare("{ nod }", open_=True)
    with pytest.raises(TurnedAway) as silent:
        shelf.documents.prepare("{ nod }", open_=False)
    assert "Did you mean" in told.value.problems[0].words.en
    assert "Did you mean" not in silent.value.problems[0].words.en


def test_the_shelf_is_bounded_by_number() -> None:
    shelf = Shelf(replace(DEVELOPER, cached_documents=2))
    for text in (GOOD, "{ caller }", GOOD, "{ number }", GOOD):
        shelf.get(text)
    assert shelf.count("hit") == 2  # the one used last was never the one to go
    shelf.get("{ caller }")
    assert shelf.count("hit") == 2


def test_the_shelf_is_bounded_by_bytes() -> None:
    shelf = Shelf(replace(DEVELOPER, cached_bytes=10_000))
    for number in range(20):
        shelf.get(f"{{ number(of: {number}) }}")
    shelf.get("{ number(of: 19) }")
    shelf.get("{ number(of: 0) }")
    assert (shelf.count("hit"), shelf.count("miss")) == (1, 21)


def test_a_document_too_long_is_not_even_remembered() -> None:
    shelf = Shelf()
    for text in ("x" * 16_385, "证" * 5_462):
        with pytest.raises(TurnedAway) as turned:
            shelf.get(text)
        assert turned.value.problems[0].details["limit"] == "bytes"


def test_too_many_tokens_are_a_limit_and_not_a_syntax_error() -> None:
    with pytest.raises(TurnedAway) as turned:
        Shelf().get("{\n" + "a " * 1_000 + "}")
    (problem,) = turned.value.problems
    assert problem.details == {"limit": "tokens", "allowed": 1_000, "found": 1_001}
    assert problem.locations == ((2, 1_999),)


def test_a_thousand_tokens_are_fine() -> None:
    roomy = replace(DEVELOPER, document=replace(DEVELOPER.document, nodes=5_000, repeats=10**6))
    with pytest.raises(TurnedAway) as turned:
        Shelf(roomy).get("{node{" + " ".join(f"a{i}" for i in range(995)) + "}}")
    assert turned.value.problems[0].code is Code.GRAPHQL_VALIDATION_FAILED
