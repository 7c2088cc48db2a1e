"""Opaque ids (不透明标识): they lead back to their row, and to no other."""

import secrets

from hypothesis import given
from hypothesis import strategies as st

from zwhub.kernel.crypto.opaque import OpaqueIds

SECRET = secrets.token_bytes(32)
IDS, NUMBERS = OpaqueIds(SECRET), st.integers(1, 2**63 - 1)


@given(NUMBERS)
def test_an_id_leads_back_to_its_row(number: int) -> None:
    hidden = IDS.hide("Licence", number)
    assert IDS.find("Licence", hidden) == number
    assert OpaqueIds(SECRET).hide("Licence", number) == hidden
    assert OpaqueIds(secrets.token_bytes(32)).find("Licence", hidden) == 0
    assert IDS.find("Item", hidden) == 0


@given(st.text(max_size=40) | st.binary(min_size=16, max_size=16).map(lambda raw: raw.hex()[:22]))
def test_nobody_makes_one_up(text: str) -> None:
    assert IDS.find("Licence", text) == 0


def test_neighbours_do_not_look_alike() -> None:
    assert len({IDS.hide("Licence", n)[:4] for n in range(1, 200)}) > 190
