"""The hostile list (恶意请求清单): requests every hub must refuse as JSON, fast and without a 5xx.

`bodies()` names each as (name, body, expected `extensions.code`); the documents use only fields
that no schema has, so the list serves the toy and the whole hub alike.
"""

import json
from base64 import urlsafe_b64encode
from typing import NamedTuple


class Hostile(NamedTuple):
    """One request of the list; `status` is the one under `application/graphql-response+json`."""

    name: str
    body: bytes
    code: str
    status: int = 400


def document(text: str, **more: object) -> bytes:
    """A POST body with that document."""
    return json.dumps({"query": text, **more}).encode()


def chained_fragments(links: int = 18) -> str:
    """Each fragment spreads the next twice: 2^links fields out of a few hundred bytes."""
    parts = ["{...F0}"]
    parts += [f"fragment F{i} on Query{{...F{i + 1} ...F{i + 1}}}" for i in range(links)]
    return " ".join((*parts, f"fragment F{links} on Query{{__typename}}"))


def deep_introspection() -> str:
    """Introspection that multiplies: fields of types of fields of types …"""
    level = "fields{type{fields{type{fields{type{name}}}}}}"
    return f"{{__schema{{types{{{level}}}}}}}"


BAD, PARSE, LIMIT = "BAD_REQUEST", "GRAPHQL_PARSE_FAILED", "DOCUMENT_LIMIT_EXCEEDED"
INVALID, INPUT = "GRAPHQL_VALIDATION_FAILED", "BAD_USER_INPUT"
OPERATION = "OPERATION_RESOLUTION_FAILURE"
TYPENAME = "{__typename}"


def bodies() -> list[Hostile]:
    """The whole list."""
    return [*_malformed(), *_documents()]


def _malformed() -> list[Hostile]:
    big = "9" * 5000
    return [
        Hostile("empty body", b"", BAD),
        Hostile("json null", b"null", BAD),
        Hostile("json string", b'"{__typename}"', BAD),
        Hostile("json number", b"1", BAD),
        Hostile("batch", b'[{"query":"{__typename}"}]', BAD),
        Hostile("deep json", b"[" * 100_000 + b"]" * 100_000, BAD),
        Hostile("deep object", b'{"query":' * 5_000 + b"1" + b"}" * 5_000, BAD),
        Hostile("half json", b'{"query":', BAD),
        Hostile("invalid utf-8", b'{"query":"\xff\xfe"}', BAD),
        Hostile("utf-16", '{"query":"{__typename}"}'.encode("utf-16"), BAD),
        Hostile("lone surrogate", b'{"query":"{__typename}","variables":{"a":"\\ud800"}}', BAD),
        Hostile("nan", b'{"query":"{__typename}","variables":{"a":NaN}}', BAD),
        Hostile(
            "5,000 digits", f'{{"query":"{TYPENAME}","variables":{{"a":{big}}}}}'.encode(), BAD
        ),
        Hostile("twice query", b'{"query":"{__typename}","query":"{a}"}', BAD),
        Hostile("twice deep", b'{"query":"{__typename}","variables":{"a":{"b":1,"b":2}}}', BAD),
        Hostile("nul in variables", document(TYPENAME, variables={"a": ["x\0y"]}), INPUT),
        Hostile("nul in a name", document(TYPENAME, variables={"a\0": 1}), INPUT),
        Hostile("variables list", document(TYPENAME, variables=[1]), BAD),
        Hostile("variables text", document(TYPENAME, variables="{}"), BAD),
        Hostile("extensions text", document(TYPENAME, extensions="{}"), BAD),
        Hostile("operationName number", document(TYPENAME, operationName=1), BAD),
        Hostile("query number", b'{"query":1}', BAD),
        Hostile("no query", b"{}", BAD),
        Hostile("query null", b'{"query":null}', BAD),
        Hostile(
            "2 MB", document(TYPENAME, variables={"a": "x" * 2_000_000}), "BODY_TOO_LARGE", 413
        ),
        Hostile("unknown id", b'{"documentId":"00"}', "PERSISTED_QUERY_NOT_FOUND"),
    ]


def _documents() -> list[Hostile]:
    aliases = " ".join(f"a{i}:__typename" for i in range(101))
    unknown = " ".join(f"nosuchfield{i}" for i in range(300))
    cycle = "{...A} fragment A on Query{...B} fragment B on Query{...A}"
    return [
        Hostile("empty document", document(""), PARSE),
        Hostile("not graphql", document("SELECT 1"), PARSE),
        Hostile("nul in document", document("{\0}"), INPUT),
        Hostile("nul in literal", document('{a(x:"\\u0000")}'), INPUT),
        Hostile("chained fragments", document(chained_fragments()), LIMIT),
        Hostile("fragment cycle", document(cycle), INVALID),
        Hostile("101 aliases", document(f"{{{aliases}}}"), LIMIT),
        Hostile("300 unknown fields", document(f"{{{unknown}}}"), LIMIT),
        Hostile("300 unknown below", document(f"{{a{{{unknown}}}}}"), INVALID),
        Hostile("3,000 levels", document("{a" * 3_000 + "}" * 3_000), PARSE),
        Hostile("100 levels", document("{a" * 100 + "}" * 100), LIMIT),
        Hostile("3,000 lists", document(f"{{a(x:{'[' * 3000}{']' * 3000})}}"), PARSE),
        Hostile("5,000 tokens", document("{" + "a " * 5_000 + "}"), LIMIT),
        Hostile("9,000 comments", document("#\n" * 8_000 + TYPENAME), PARSE),
        Hostile("17 kB", document("{__typename}" + " " * 17_000), LIMIT),
        Hostile("5,000-digit literal", document(f"{{a(x:{'9' * 5_000})}}"), LIMIT),
        Hostile("10 directives", document("{__typename " + "@skip(if:false) " * 10 + "}"), LIMIT),
        Hostile("480 repeats", document("{a{" + "b " * 480 + "}}"), LIMIT),
        Hostile("deep introspection", document(deep_introspection()), INVALID),
        Hostile("two operations", document("query A{__typename} query B{__typename}"), OPERATION),
        Hostile("unknown operation", document("query A{__typename}", operationName="B"), OPERATION),
        Hostile("only a fragment", document("fragment F on Query{__typename}"), INVALID),
        Hostile("type system", document("type A{a:Int}"), INVALID),
    ]


# Members and claims of the wrong type, and texts that PostgreSQL cannot store.
STRANGE: list[object] = [[], {}, ["x"], {"x": 1}, 7, 1.5, True, None, "", "a\0b", "\ud800"]


def forged(header: object, claims: object) -> str:
    """A compact JWT whose signature nobody made."""
    parts = (json.dumps(part).encode() for part in (header, claims))
    return ".".join([*(urlsafe_b64encode(part).decode().rstrip("=") for part in parts), "AAAA"])


def forged_tokens(issuer: str, kid: str, algorithm: str) -> list[str]:
    """Bearer tokens of that issuer with one strange header member or claim each."""
    header = {"alg": algorithm, "typ": "at+jwt", "kid": kid}
    claims = {"iss": issuer, "sub": "s", "aud": "zwhub", "persona": "OPERATOR"}
    whole = [forged(one, other) for one in STRANGE for other in STRANGE]
    odd_headers = [
        forged({**header, name: value}, claims)
        for name in ("alg", "typ", "kid", "crit", "b64", "jwk")
        for value in STRANGE
    ]
    odd_claims = [
        forged(header, {**claims, name: value})
        for name in ("iss", "sub", "aud", "exp", "iat", "nbf", "persona")
        for value in STRANGE
    ]
    return [*whole, *odd_headers, *odd_claims]


def forged_assertions(url: str, client: str) -> list[str]:
    """Client assertions (RFC 7523) that must not trouble the register, let alone the database."""
    header: dict[str, object] = {"alg": "EdDSA", "kid": "k"}
    claims: dict[str, object] = {"iss": client, "sub": client, "aud": url, "jti": "j", "exp": 2**31}
    names = [*STRANGE, "x" * 101, "a b", "a/b", "é", "x\n"]
    both = [forged(header, {**claims, "iss": name, "sub": name}) for name in names]
    odd_claims = [
        forged(header, {**claims, name: value})
        for name in ("iss", "sub", "aud", "jti", "exp", "nbf", "iat")
        for value in STRANGE
    ]
    odd_headers = [forged({**header, n: v}, claims) for n in ("alg", "typ", "kid") for v in STRANGE]
    return [*both, *odd_claims, *odd_headers]
