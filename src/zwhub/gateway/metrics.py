"""Metrics (度量): what the door counts for Prometheus; never a name, a person or a document."""

from enum import StrEnum

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram


class Outcome(StrEnum):
    """How a request ended."""

    OK = "ok"
    PARTIAL = "partial"
    REFUSED = "refused"
    FAULT = "fault"
    TIMEOUT = "timeout"
    GONE = "gone"


class Metrics:
    """The door's counters, on the registry given."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        self._requests = Counter(
            "zwhub_graphql_requests",
            "GraphQL requests by kind of operation and outcome",
            ["operation", "outcome"],
            registry=registry,
        )
        self._seconds = Histogram(
            "zwhub_graphql_request_seconds",
            "Time from the first byte read to the answer written",
            ["operation"],
            buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
            registry=registry,
        )
        self._documents = Counter(
            "zwhub_graphql_documents",
            "Look-ups of prepared documents by result",
            ["result"],
            registry=registry,
        )
        self.sockets = Gauge(
            "zwhub_graphql_websockets", "WebSocket connections now open", registry=registry
        )
        self.document_hit = self._documents.labels("hit").inc
        self.document_miss = self._documents.labels("miss").inc

    def request(self, operation: str, outcome: Outcome, seconds: float | None = None) -> None:
        """Count one request; `operation` is query, mutation, subscription or none.

        `seconds` is left out for a subscription: it lasts as long as its client cares.
        """
        self._requests.labels(operation, outcome.value).inc()
        if seconds is not None:
            self._seconds.labels(operation).observe(seconds)
