"""Signed records (签名记录): other libraries agree, and no altered text is accepted."""

import json
import random
import warnings
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from typing import TypeAlias

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from joserfc import jws as joserfc_jws
from joserfc.jwk import ECKey, OKPKey, RSAKey

from zwhub.kernel.crypto.jws import MAX_HEADER, MalformedJws, decoded, parse, sign
from zwhub.kernel.crypto.keys import Algorithm, PrivateKey, PublicKey

Keys = Mapping[Algorithm, PrivateKey]
PAYLOAD = '{"证照名称":"居民户口簿"}'.encode()
EVERY = pytest.mark.parametrize("algorithm", list(Algorithm))
JoseKey: TypeAlias = ECKey | OKPKey | RSAKey
JOSE: dict[Algorithm, Callable[[str], JoseKey]] = {
    Algorithm.ES256: ECKey.import_key,
    Algorithm.EDDSA: OKPKey.import_key,
    Algorithm.PS256: RSAKey.import_key,
}
SHARED = pytest.mark.parametrize("algorithm", list(JOSE))


def accepts(text: bytes, key: PublicKey) -> bool:
    """Parse and verify as one question."""
    try:
        return parse(text).signed_by(key)
    except MalformedJws:
        return False


def part(octets: bytes) -> str:
    return urlsafe_b64encode(octets).rstrip(b"=").decode()


def record(header: str | bytes, payload: str = "e30", signature: str = "AAAA") -> str:
    octets = header.encode() if isinstance(header, str) else header
    return f"{part(octets)}.{payload}.{signature}"


GOOD = '{"alg":"ES256","kid":"k"}'


@EVERY
def test_a_signed_record_comes_back(keys: Keys, algorithm: Algorithm) -> None:
    text = sign(keys[algorithm], "issuer-1", PAYLOAD, "licence+jws")
    for form in (text, text.encode()):
        found = parse(form)
        assert (found.algorithm, found.kid, found.typ) == (algorithm, "issuer-1", "licence+jws")
        assert found.payload == PAYLOAD
        assert found.signing_input == text.rpartition(".")[0].encode()
        assert found.signed_by(keys[algorithm].public)
        assert not found.signed_by(PrivateKey.generate(algorithm).public)


@EVERY
def test_the_header_cannot_choose_the_keys_algorithm(keys: Keys, algorithm: Algorithm) -> None:
    """A real signature by the key, under a header that names every other algorithm."""
    key = keys[algorithm]
    for claimed in set(Algorithm) - {algorithm}:
        signing_input = f"{part(json.dumps({'alg': claimed, 'kid': 'k'}).encode())}.e30"
        text = f"{signing_input}.{part(key.sign(signing_input.encode()))}"
        assert not parse(text).signed_by(key.public)


def _joserfc_key(key: PrivateKey) -> JoseKey:
    return JOSE[key.algorithm](key.pem())


def _joserfc_sign(key: PrivateKey, header: dict[str, str]) -> str:
    with warnings.catch_warnings():  # it finds the name EdDSA out of date (RFC 9864)
        warnings.simplefilter("ignore")
        own = _joserfc_key(key)
        return joserfc_jws.serialize_compact(header, PAYLOAD, own, algorithms=[key.algorithm])


@SHARED
def test_joserfc_signs_and_the_hub_verifies(keys: Keys, algorithm: Algorithm) -> None:
    key = keys[algorithm]
    found = parse(_joserfc_sign(key, {"alg": algorithm.value, "kid": "k"}))
    assert found.signed_by(key.public)
    assert (found.payload, found.typ) == (PAYLOAD, None)


@SHARED
def test_the_hub_signs_and_joserfc_verifies(keys: Keys, algorithm: Algorithm) -> None:
    text = sign(keys[algorithm], "钥匙", PAYLOAD, "licence+jws")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        own = _joserfc_key(keys[algorithm])
        found = joserfc_jws.deserialize_compact(text, own, algorithms=[algorithm.value])
    assert found.payload == PAYLOAD
    assert found.headers()["kid"] == "钥匙"


def test_the_example_of_rfc_7515() -> None:
    """Appendix A.3: the signature verifies, but without a `kid` nobody knows whose key to take."""
    text = (
        "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtc"
        "GxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxL"
        "a8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
    )
    x, y = (
        "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    )
    point = b"\x04" + urlsafe_b64decode(x + "=") + urlsafe_b64decode(y + "=")
    signing_input, _, signature = text.rpartition(".")
    key = PublicKey.from_point(Algorithm.ES256, point)
    assert key.verify(urlsafe_b64decode(signature + "=="), signing_input.encode())
    with pytest.raises(MalformedJws, match="kid"):
        parse(text)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "three parts"),
        ("a.b", "three parts"),
        (record(GOOD) + ".", "three parts"),
        ("..", "not proper JSON"),
        (record(GOOD) + "=", "base64url"),
        (record(GOOD) + " ", "base64url"),
        (record(GOOD) + "\n", "base64url"),
        (record(GOOD, signature="AA+A"), "base64url"),
        (record(GOOD, signature="AA/A"), "base64url"),
        (record(GOOD, signature="A"), "base64url"),
        (record(GOOD, signature="AB"), "base64url"),  # non-zero spare bits
        (record(GOOD, payload="e30\n"), "base64url"),
        (record(GOOD, payload="e31"), "base64url"),
        (record(GOOD) + "证", "base64url"),
        (record(GOOD.replace("}", " " * MAX_HEADER + "}")), "too long"),
        (record("[]"), "not an object"),
        (record('"alg"'), "not an object"),
        (record("{"), "proper JSON"),
        (record(GOOD + GOOD), "proper JSON"),
        (record("\ufeff" + GOOD), "proper JSON"),
        (record(b"\xff" + GOOD.encode()), "proper JSON"),
        (record("[" * MAX_HEADER), "proper JSON"),
        (record('{"alg":"ES256","kid":"k","x":NaN}'), "proper JSON"),
        (record('{"alg":"ES256","kid":"k","kid":"l"}'), "proper JSON"),
        (record('{"alg":"none","alg":"ES256","kid":"k"}'), "proper JSON"),
        (record('{"alg":"ES256","kid":"k","x":{"a":1,"a":2}}'), "proper JSON"),
        (record('{"kid":"k"}'), "algorithm"),
        (record('{"alg":"none","kid":"k"}'), "algorithm"),
        (record('{"alg":"HS256","kid":"k"}'), "algorithm"),
        (record('{"alg":"es256","kid":"k"}'), "algorithm"),
        (record('{"alg":["ES256"],"kid":"k"}'), "algorithm"),
        (record('{"alg":null,"kid":"k"}'), "algorithm"),
        (record('{"alg":"ES256"}'), "kid"),
        (record('{"alg":"ES256","kid":""}'), "kid"),
        (record('{"alg":"ES256","kid":1}'), "kid"),
        (record('{"alg":"ES256","kid":"%s"}' % ("k" * 65)), "kid"),
        (record('{"alg":"ES256","kid":"a\\u0000b"}'), "kid"),
        (record('{"alg":"ES256","kid":"\\ud800"}'), "kid"),
        (record('{"alg":"ES256","kid":"k","typ":null}'), "typ"),
        (record('{"alg":"ES256","kid":"k","typ":"%s"}' % ("t" * 65)), "typ"),
        *(
            (record(f'{{"alg":"ES256","kid":"k","{name}":{value}}}'), "refuses")
            for name in ("crit", "b64", "jwk", "jku", "x5u")
            for value in ("null", '["b64"]')
        ),
    ],
)
def test_what_breaks_a_rule_is_malformed(text: str, why: str) -> None:
    with pytest.raises(MalformedJws, match=why) as refused:
        parse(text)
    assert refused.value.words.zh
    assert text == "" or text not in str(refused.value)


def test_the_smallest_record_and_the_largest_header_are_read() -> None:
    assert parse(record(GOOD, payload="", signature="")).payload == b""
    full = GOOD.replace("}", " " * (MAX_HEADER - len(GOOD)) + "}")
    assert parse(record(full)).kid == "k"
    assert parse(record('{"alg":"SM2","kid":"k","x5t#S256":"a"}')).header["x5t#S256"] == "a"


@pytest.mark.parametrize(("kid", "typ"), [("", "t"), ("k" * 65, "t"), ("k", ""), ("k\n", "t")])
def test_a_header_nobody_could_read_is_not_signed(keys: Keys, kid: str, typ: str) -> None:
    with pytest.raises(MalformedJws):
        sign(keys[Algorithm.EDDSA], kid, b"", typ)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(
    kid=st.text(min_size=1, max_size=64).filter(str.isprintable), payload=st.binary(max_size=200)
)
def test_any_payload_comes_back(keys: Keys, kid: str, payload: bytes) -> None:
    key = keys[Algorithm.EDDSA]
    found = parse(sign(key, kid, payload, "t"))
    assert (found.kid, found.payload, found.signed_by(key.public)) == (kid, payload, True)


@given(st.binary(max_size=60) | st.text(max_size=60))
def test_any_input_is_a_record_or_malformed(text: str | bytes) -> None:
    with pytest.raises(MalformedJws):
        parse(text)


def _accepted_after_flips(key: PrivateKey, flips: int) -> int:
    """How many of `flips` records with one bit flipped, anywhere in the text, are accepted."""
    text = sign(key, "issuer-1", PAYLOAD, "licence+jws").encode()
    assert accepts(text, key.public)
    dice, accepted = random.Random(f"{key.algorithm} 20260101"), 0
    for _ in range(flips):
        altered = bytearray(text)
        altered[dice.randrange(len(text))] ^= 1 << dice.randrange(8)
        accepted += accepts(bytes(altered), key.public)
    return accepted


@EVERY
def test_of_750_flipped_bits_none_is_accepted(keys: Keys, algorithm: Algorithm) -> None:
    assert _accepted_after_flips(keys[algorithm], 750) == 0


@pytest.mark.long
@EVERY
def test_of_25000_flipped_bits_none_is_accepted(keys: Keys, algorithm: Algorithm) -> None:
    assert _accepted_after_flips(keys[algorithm], 25_000) == 0


@EVERY
def test_every_cut_and_every_doubled_character_is_refused(keys: Keys, algorithm: Algorithm) -> None:
    text = sign(keys[algorithm], "k", b"{}", "t").encode()
    for i in range(len(text)):
        assert not accepts(text[:i] + text[i + 1 :], keys[algorithm].public)
        assert not accepts(text[:i] + text[i : i + 1] + text[i:], keys[algorithm].public)


ODD = st.sampled_from([*b'AQgw-_+/=.!\\"u0049 \n\x00\xff', *b"BCDZaz09"])


@given(st.lists(ODD, max_size=12).map(bytes))
def test_a_part_is_read_only_as_it_would_be_written(part: bytes) -> None:
    """Base64url has one way to write octets; whatever differs from it is refused."""
    try:
        octets = urlsafe_b64decode(part + b"==")
    except ValueError:
        octets = b"nothing"
    if urlsafe_b64encode(octets).rstrip(b"=") == part:
        assert decoded(part) == octets
    else:
        with pytest.raises(MalformedJws):
            decoded(part)
