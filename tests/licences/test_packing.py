"""Packing (压缩): byte for byte what was received, and small."""

from base64 import urlsafe_b64encode
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import an_issuer
from zwhub.kernel.crypto.jws import MalformedJws
from zwhub.licences.packing import pack, unpack

part = st.binary(max_size=300).map(lambda raw: urlsafe_b64encode(raw).rstrip(b"="))


@given(st.tuples(part, part, part).map(b".".join) | st.binary(max_size=1_000))
def test_what_is_packed_comes_back(record: bytes) -> None:
    assert unpack(pack(record)) == record


def test_a_record_packs_into_little() -> None:
    record = an_issuer().a_licence().encode()
    assert unpack(pack(record)) == record
    assert len(pack(record)) < len(record) / 2


def test_from_several_threads_at_once() -> None:
    records = [an_issuer().a_licence().encode() for _ in range(4)] * 50
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda one: unpack(pack(one)), records)) == records


def test_an_unknown_dictionary_is_told() -> None:
    with pytest.raises(MalformedJws):
        unpack(b"\xff" + bytes(20))
