"""Metrics (度量): what the door counts for Prometheus; never a name, a person or a document."""

from enum import StrEnum
from functools import cache

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram


class Outcome(StrEnum):
    """How a request ended."""

    OK = "ok"
    PARTIAL = "partial"
    REFUSED = "refused"
    FAULT = "fault"
    TIMEOUT = "timeout"
    GONE = "gone"
    OVERLOAD = "overload"


class Metrics:
    """The door's counters, on the registry given."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        requests = Counter(
            "zwhub_graphql_requests",
            "GraphQL requests by kind of operation and outcome",
            ["operation", "outcome"],
            registry=registry,
        )
        seconds = Histogram(
            "zwhub_graphql_request_seconds",
            "Time from the first byte read to the answer written",
            ["operation"],
            buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
            registry=registry,
        )
        documents = Counter(
            "zwhub_graphql_documents",
            "Look-ups of prepared documents by result",
            ["result"],
            registry=registry,
        )
        self.sockets = Gauge(
            "zwhub_graphql_websockets", "WebSocket connections now open", registry=registry
        )
        # A look-up by labels costs more than the counting; there are some twenty of them.
        self._count = cache(
            lambda operation, outcome: requests.labels(operation, outcome.value).inc
        )
        self._observe = cache(lambda operation: seconds.labels(operation).observe)
        self.document_hit = documents.labels("hit").inc
        self.document_miss = documents.labels("miss").inc

    def request(self, operation: str, outcome: Outcome, seconds: float | None = None) -> None:
        """Count one request; `operation` is query, mutation, subscription or none.

        `seconds` is left out for a subscription: it lasts as long as its client cares.
        """
        self._count(operation, outcome)()
        if seconds is not None:
            self._observe(operation)(seconds)
