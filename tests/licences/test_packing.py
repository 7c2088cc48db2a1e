"""Packing (压缩): byte for byte what was received, and small."""

import json
from base64 import urlsafe_b64encode
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import an_issuer
from zwhub.kernel.crypto.jws import MalformedJws, parse
from zwhub.licences.packing import pack, unpack

part = st.binary(max_size=300).map(lambda raw: urlsafe_b64encode(raw).rstrip(b"="))
names = st.text(st.characters(codec="utf-8", categories=("L", "N")), min_size=1, max_size=64)


@given(names, part, part)
def test_what_is_packed_comes_back(kid: str, payload: bytes, signature: bytes) -> None:
    header = json.dumps({"alg": "SM2", "kid": kid}).encode()
    record = b".".join((urlsafe_b64encode(header).rstrip(b"="), payload, signature))
    assert unpack(pack(parse(record))).text == record
    assert unpack(pack(parse(record))) == parse(record)


def test_a_record_packs_into_little() -> None:
    record = an_issuer().a_licence().encode()
    assert len(pack(parse(record))) < len(record) / 2


def test_from_several_threads_at_once() -> None:
    records = [an_issuer().a_licence().encode() for _ in range(4)] * 50
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda one: unpack(pack(parse(one))).text, records)) == records


def test_an_unknown_dictionary_is_told() -> None:
    with pytest.raises(MalformedJws):
        unpack(b"\xff" + bytes(20))
