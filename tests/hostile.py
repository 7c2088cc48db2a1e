"""The hostile list (恶意请求清单): requests every hub must refuse as JSON, fast and without a 5xx.

`bodies()` names each as (name, body, expected `extensions.code`); the documents use only fields
that no schema has, so the list serves the toy and the whole hub alike. `hub_bodies()` are those
that need the hub's own inputs.
"""

import json
from base64 import urlsafe_b64encode
from typing import NamedTuple

SECONDS = 0.05  # what a request may cost (`effort`): client, server and hub together


class Hostile(NamedTuple):
    """One request of the list; `status` is the one under `application/graphql-response+json`."""

    name: str
    body: bytes
    code: str
    status: int = 400


def anew(body: bytes, attempt: int) -> bytes:
    """The same request with a document that no hub remembers."""
    return body.replace(b'"query": "', b'"query": "' + b" " * attempt, 1)


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
LARGE = "BODY_TOO_LARGE"
INVALID, INPUT = "GRAPHQL_VALIDATION_FAILED", "BAD_USER_INPUT"
OPERATION = "OPERATION_RESOLUTION_FAILURE"
TYPENAME = "{__typename}"


def bodies() -> list[Hostile]:
    """The whole list."""
    return [*_malformed(), *_bulky(), *_documents(), *_long_winded()]


def _malformed() -> list[Hostile]:
    big = "9" * 5000
    return [
        Hostile("empty body", b"", BAD),
        Hostile("json null", b"null", BAD),
        Hostile("json string", b'"{__typename}"', BAD),
        Hostile("json number", b"1", BAD),
        Hostile("batch", b'[{"query":"{__typename}"}]', BAD),
        Hostile("deep json", b"[" * 9_000 + b"]" * 9_000, BAD),
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
        Hostile("2 MB", document(TYPENAME, variables={"a": "x" * 2_000_000}), LARGE, 413),
        Hostile("unknown id", b'{"documentId":"00"}', "PERSISTED_QUERY_NOT_FOUND"),
    ]


def _filled(head: bytes, unit: bytes, tail: bytes) -> bytes:
    """A body as large as a body may be, but for what `anew` adds."""
    return head + unit * ((1024 * 1024 - 9 - len(head) - len(tail)) // len(unit)) + tail


def _bulky() -> list[Hostile]:
    """A mebibyte each, or nearly so, of what costs much more to read than text."""
    head = b'{"query": "{__typename}", '
    variables, names = head + b'"variables":{"a":[', {str(name): 0 for name in range(80_000)}
    deep = b"[" * 900 + b"]" * 900
    return [
        Hostile("deep lists", b"[" * 500_000 + b"]" * 500_000, LARGE, 413),
        Hostile("many deep lists", _filled(variables, deep + b",", b"0]}}"), LARGE, 413),
        Hostile("objects", _filled(variables, b"{},", b"0]}}"), LARGE, 413),
        Hostile("zeros", _filled(variables, b"0,", b"0]}}"), LARGE, 413),
        Hostile("texts", _filled(variables, b'"",', b"0]}}"), LARGE, 413),
        Hostile("escaped quotes", _filled(variables, rb'"\"[",', b"0]}}"), LARGE, 413),
        Hostile(
            "objects of extensions", _filled(head + b'"extensions":[', b"{},", b"0]}"), LARGE, 413
        ),
        Hostile("a batch of objects", _filled(b"[", b"{},", b"{}]"), LARGE, 413),
        Hostile("80,000 names", document(TYPENAME, variables=names), LARGE, 413),
        Hostile("9,990 objects", document("{a}", variables={"a": [{}] * 9_990}), INVALID),
        Hostile(
            "9,990 names", document("{a}", variables=dict.fromkeys(list(names)[:9_990])), INVALID
        ),
        Hostile("spaces", _filled(b"", b" ", b""), BAD),
        Hostile("escapes", _filled(b'{"query": "', rb"\u4e00", b'"}'), LIMIT),
        Hostile("a document", _filled(b'{"query": "', b"x", b'"}'), LIMIT),
        Hostile("an operationName", _filled(head + b'"operationName":"', b"x", b'"}'), OPERATION),
        Hostile(
            "a documentId", _filled(b'{"documentId":"', b"A", b'"}'), "PERSISTED_QUERY_NOT_FOUND"
        ),
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


def _times(count: int, part: str) -> str:
    """`part` that often; `#` in it is its number."""
    return " ".join(part.replace("#", str(number)) for number in range(count))


def _long_winded() -> list[Hostile]:
    """Documents within the limits of their length that make a validator say a lot."""
    lines, nul = "\n" * 12_000, r'"\u0000" '
    introspection = _times(15, "a#:__schema{types{fields{args{name}}}}")
    return [
        Hostile("190 operations", document(_times(190, "query A#{__typename}")), LIMIT),
        Hostile("140 fragments", document(TYPENAME + _times(140, "fragment F# on A{b}")), INVALID),
        Hostile("240 variables", document(f"query({_times(240, '$a#:B')}){TYPENAME}"), LIMIT),
        Hostile(
            "one variable 240 times",
            document(f"{lines}query({_times(240, '$a:B')}){TYPENAME}"),
            LIMIT,
        ),
        Hostile(
            "300 unknown arguments", document(f"{{__typename({_times(300, 'x#:1')})}}"), INVALID
        ),
        Hostile(
            "an object for a flag",
            document(f"{{__typename @skip(if:{{{_times(300, 'x#:1')}}})}}"),
            LIMIT,
        ),
        Hostile("240 NULs", document(f"{lines}{{a(x:[{nul * 240}])}}"), INPUT),
        Hostile("140 long numbers", document(f"{{a(x:[{('1' * 101 + ' ') * 140}])}}"), LIMIT),
        Hostile("a long name", document("{" + "x" * 16_000 + "}"), INVALID),
        Hostile("a block of lines", document('{a(x:"""' + "\n a" * 5_000 + '""")}'), INVALID),
        Hostile("an open text", document('{a(x:"' + "x" * 16_000), PARSE),
        Hostile("15 introspections", document(f"{{{introspection}}}"), LIMIT),
    ]


def hub_bodies() -> list[Hostile]:
    """What makes the hub's own inputs expensive, in literals and in variables."""
    many, near = _times(300, "x#:1"), _times(100, "implementationCod#:1")
    lists = _times(20, f"x#:[{'1 ' * 40}]")
    codes = f"{{licenceSupermarket(input:{{itemCodes:[{'$i ' * 249}]}}){{__typename}}}}"
    shared = _times(10, "query A#($i:String!){...F}") + f"fragment F on Query{codes}"
    shop = "query($i:LicenceSupermarketInput!){licenceSupermarket(input:$i){__typename}}"
    batch = "mutation($i:VerifyLicencesInput!){verifyLicences(input:$i){__typename}}"
    keys = {f"itemCode{number}": 0 for number in range(9_900)}
    empty: list[object] = [{}]

    def batch_of(licences: list[object]) -> bytes:
        return document(batch, variables={"i": {"licences": licences, "purpose": "p"}})

    return [
        Hostile("300 unknown input fields", document(f"{{item(by:{{{many}}}){{id}}}}"), LIMIT),
        Hostile("100 nearly known", document(f"{{item(by:{{{near}}}){{id}}}}"), INVALID),
        Hostile("20 unknown, each long", document(f"{{item(by:{{{lists}}}){{id}}}}"), INVALID),
        Hostile(
            "300 in a default",
            document(f"query($i:ItemBy={{{many}}}){{item(by:$i){{id}}}}"),
            LIMIT,
        ),
        Hostile(
            "one field 100 times",
            document(f"{{item(by:{{{_times(100, 'code:1')}}}){{id}}}}"),
            INVALID,
        ),
        Hostile("10 operations share variables", document(shared), OPERATION),
        Hostile("9,900 unknown names", document(shop, variables={"i": keys}), INPUT),
        Hostile("4,900 licences", batch_of([{"number": "n"}] * 4_900), INPUT),
        Hostile("1,200 empty ones", batch_of(empty * 1_200), INPUT),
        Hostile("9,900 empty ones", batch_of(empty * 9_900), INPUT),
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
