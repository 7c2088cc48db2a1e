"""Quick reading (快速读取): a yes is what the close look says too, and most records get one."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import a_holder, an_issuer
from zwhub.licences.body import MalformedBody, read_body, read_closely, read_quickly

ISSUER = an_issuer()
MEMBERS = sorted(ISSUER.a_body())
ODD = [
    *("", " ", "a", " a", "a ", "a b", "\x00", "\x1f", "\x7f", "\u2028", "\u3000", "\u200b"),
    *("\ud800", "😀", "中文", "x" * 65, "x" * 201, "2024-02-30", "2024-1-01", "20240101"),
    *("2024-05-01T09:30:00+08:00", "2024-05-01t09:30:00Z", "2024-05-01T09:30:00.5Z"),
    *("2024-05-01 09:30:00Z", "2024-05-01T09:30:00", "2024-05-01T24:00:00Z", "001", "000"),
    *("新发", "延续", "111", "999", "１２３", "99019A", "990199", "²"),
    *(None, 0, 1.5, True, [], {}, [1], {"a": 1}, {"a": "b"}, {"a": ""}, {"": "b"}, {" a": "b"}),
    *([a_holder(name=" x")], [a_holder(code="")], [a_holder()] * 20, [a_holder()] * 21),
    *(
        {"x" * 64: "y" * 2_000},
        {"x" * 65: "y"},
        {"x": "y" * 2_001},
        {str(n): "v" for n in range(65)},
    ),
]
WRITERS: list[Callable[[Any], str]] = [
    lambda said: json.dumps(said, ensure_ascii=False, separators=(",", ":")),
    lambda said: json.dumps(said, separators=(",", ":")),
    lambda said: json.dumps(said, ensure_ascii=False),
    lambda said: json.dumps(said, ensure_ascii=False, separators=(",", ":"), sort_keys=True),
    lambda said: json.dumps(said, ensure_ascii=False, separators=(",", ":"))[:-1] + ',"name":"b"}',
    lambda said: json.dumps(said, ensure_ascii=False, separators=(",", ":")) + " ",
]


def agree(payload: bytes) -> bool:
    """A quick yes is the close look's answer, too; whether there was one."""
    found = read_quickly(payload)
    if found is not None:
        assert read_closely(payload) == found
    return found is not None


@given(
    st.dictionaries(st.sampled_from([*MEMBERS, "other"]), st.sampled_from(ODD), max_size=2),
    st.sets(st.sampled_from(MEMBERS), max_size=1),
    st.sampled_from(WRITERS),
)
def test_what_is_odd(changes: dict[str, Any], gone: set[str], write: Callable[[Any], str]) -> None:
    said = {name: v for name, v in {**ISSUER.a_body(), **changes}.items() if name not in gone}
    agree(write(said).encode("utf-8", "surrogatepass"))


@given(st.data())
def test_any_byte_changed(data: st.DataObject) -> None:
    payload = bytearray(WRITERS[0](ISSUER.a_body()).encode())
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(payload) - 1))
        payload[place] = data.draw(st.integers(0, 255))
    agree(bytes(payload))


@pytest.mark.parametrize("odd", [b"", b"null", b"[]", b"{}", b"\xff", b"[" * 100_000, b'{"a":' * 9])
def test_rubbish(odd: bytes) -> None:
    assert not agree(odd)
    with pytest.raises(MalformedBody):
        read_body(odd)


def test_a_usual_record_is_read_quickly() -> None:
    assert agree(WRITERS[0](ISSUER.a_body()).encode())
    assert not agree(WRITERS[2](ISSUER.a_body()).encode())
