"""Status lists (状态列表): the published lists of both specifications, and no bomb goes off."""

import gzip
import zlib
from base64 import urlsafe_b64encode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zwhub.kernel.status_lists import (
    INVALID,
    LEAST_BITSTRING,
    MOST_OCTETS,
    SUSPENDED,
    VALID,
    WIDTHS,
    BadStatusList,
    Bitstring,
    StatusArray,
    read_bitstring,
    read_lst,
)

# Bitstring Status List v1.0, Example 3: 131,072 bits, none of them set.
W3C_LIST = "uH4sIAAAAAAAAA-3BMQEAAADCoPVPbQwfoAAAAAAAAAAAAAAAAAAAAIC3AYbSVKsAQAAA"
# Token Status List §4.1 and §4.2.
ONE_BIT = [1, 0, 0, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 1, 0, 1]
TWO_BITS = [1, 2, 0, 3, 0, 1, 0, 1, 1, 2, 3, 3]
SMALL = [
    (1, ONE_BIT, "b9a3", "eNrbuRgAAhcBXQ"),
    (2, TWO_BITS, "c944f9", "eNo76fITAAPfAgc"),
]
# Token Status List, appendix C: lists of 2^20 entries.
LARGE = [
    (
        1,
        "0=1 1993=1 25460=1 159495=1 495669=1 554353=1 645645=1 723232=1 854545=1 934534=1 "
        "1000345=1",
        "eNrt3AENwCAMAEGogklACtKQPg9LugC9k_ACvreiogE"
        "AAKkeCQAAAAAAAAAAAAAAAAAAAIBylgQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
        "AAAAAAAAAAAAAAAAAAAXG9IAAAAAAAAAPwsJAAAAAAAAAAAAAAAvhsSAAAAAAAAAAA"
        "A7KpLAAAAAAAAAAAAAAAAAAAAAJsLCQAAAAAAAAAAADjelAAAAAAAAAAAKjDMAQAAA"
        "ACAZC8L2AEb",
    ),
    (
        2,
        "0=1 1993=2 25460=1 159495=3 495669=1 554353=1 645645=2 723232=1 854545=1 934534=2 "
        "1000345=3",
        "eNrt2zENACEQAEEuoaBABP5VIO01fCjIHTMStt9ovGVIAAAAAABAbiEBAAAAAAAAAAAAAAAAAAAAAAAA"
        "AAAAAAAAAAAAAAAAAEB5WwIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAID0ugQAAAAAAAAAAAAAAAAAQG12SgAA"
        "AAAAAAAAAAAAAAAAAAAAAAAAAOCSIQEAAAAAAAAAAAAAAAAAAAAAAAD8ExIAAAAAAAAAAAAAAAAAAAAA"
        "AAAAAAAAAAAAAAAAAAAAwJEuAQAAAAAAAAAAAAAAAAAAAAAAAMB9SwIAAAAAAAAAAAAAAAAAAACoYUoA"
        "AAAAAAAAAAAAAEBqH81gAQw",
    ),
    (
        4,
        "0=1 1993=2 35460=3 459495=4 595669=5 754353=6 845645=7 923232=8 924445=9 934534=10 "
        "1004534=11 1000345=12 1030203=13 1030204=14 1030205=15",
        "eNrt0EENgDAQADAIHwImkIIEJEwCUpCEBBQRHOy35Li1EjoOQGabAgAAAAAAAAAAAAAAAAAAACC1SQEA"
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAABADrsCAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAADoxaEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAIIoCgAAAAAA"
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAACArpwKAAAAAAAAAAAAAAAAAAAAAAAA"
        "AAAAAAAAAAAAAAAAAAAAAAAAAGhqVkAzlwIAAAAAiGVRAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
        "AAAAAABx3AoAgLpVAQAAAAAAAAAAAAAAwM89rwMAAAAAAAAAAAjsA9xMBMA",
    ),
]
ENTRIES = st.sampled_from(WIDTHS).flatmap(
    lambda bits: st.tuples(st.just(bits), st.lists(st.integers(0, 2**bits - 1), max_size=60))
)


def array_of(bits: int, statuses: list[int]) -> StatusArray:
    array = StatusArray.of(len(statuses), bits)
    for index, status in enumerate(statuses):
        array[index] = status
    return array


def text_of(octets: bytes) -> str:
    return urlsafe_b64encode(octets).rstrip(b"=").decode()


@pytest.mark.parametrize(("bits", "statuses", "octets", "lst"), SMALL)
def test_the_small_lists_of_the_draft(
    bits: int, statuses: list[int], octets: str, lst: str
) -> None:
    assert bytes(array_of(bits, statuses).octets).hex() == octets
    found = read_lst(lst, bits)
    assert [found[index] for index in range(len(statuses))] == statuses
    assert found.octets == bytes.fromhex(octets)


@pytest.mark.parametrize(("bits", "entries", "lst"), LARGE)
def test_the_large_lists_of_the_draft(bits: int, entries: str, lst: str) -> None:
    array = StatusArray.of(2**20, bits)
    for entry in entries.split():
        index, _, status = entry.partition("=")
        array[int(index)] = int(status)
    found = read_lst(lst, bits)
    assert len(found) == 2**20
    assert found.octets == array.octets


def test_the_list_of_the_recommendation() -> None:
    found = read_bitstring(W3C_LIST)
    assert len(found) == 131_072
    assert found == StatusArray.of(1, 2).bitstring(INVALID) == Bitstring(bytes(LEAST_BITSTRING))


@settings(deadline=None)
@given(ENTRIES)
def test_every_list_comes_back(drawn: tuple[int, list[int]]) -> None:
    bits, statuses = drawn
    array = array_of(bits, statuses)
    found = read_lst(array.lst(), bits)
    assert len(found) >= len(statuses)
    assert [found[index] for index in range(len(statuses))] == statuses
    assert all(found[index] == VALID for index in range(len(statuses), len(found)))


@given(ENTRIES, st.data())
def test_one_entry_changes_alone(drawn: tuple[int, list[int]], data: st.DataObject) -> None:
    bits, statuses = drawn[0], [*drawn[1], 0]
    array = array_of(bits, statuses)
    index = data.draw(st.integers(0, len(statuses) - 1))
    statuses[index] = data.draw(st.integers(0, 2**bits - 1))
    array[index] = statuses[index]
    assert array == array_of(bits, statuses)


@settings(deadline=None)
@given(ENTRIES, st.integers(0, 3))
def test_a_bitstring_flags_the_entries_of_one_status(
    drawn: tuple[int, list[int]], status: int
) -> None:
    bits, statuses = drawn
    array = array_of(bits, statuses)
    flags = array.bitstring(status)
    assert len(flags) == 131_072
    expected = [array[index] == status for index in range(len(array))]
    assert [flags[index] for index in range(len(array))] == expected
    assert not any(flags[index] for index in range(len(array), len(array) + 64))


@pytest.mark.parametrize("bits", WIDTHS)
def test_a_long_bitstring_is_not_padded(bits: int) -> None:
    array = StatusArray.of(200_003, bits)
    marked = [0, 7, 8, 131_071, 131_072, 200_002]
    for index in marked:
        array[index] = INVALID
    flags = read_bitstring(array.bitstring(INVALID).encoded())
    assert 200_003 <= len(flags) < 200_100
    assert [index for index in range(len(flags)) if flags[index]] == marked


def test_index_0_is_left_most_in_one_format_and_least_significant_in_the_other() -> None:
    array = array_of(1, [INVALID])
    assert array.octets[0] == 0b0000_0001
    assert array.bitstring(INVALID).octets[0] == 0b1000_0000


def test_8_million_entries_take_2_megabytes_and_8_million_bits_one() -> None:
    array = StatusArray.of(8_000_000, 2)
    array[7_999_999] = SUSPENDED
    assert len(array.octets) == 2_000_000
    flags = array.bitstring(SUSPENDED)
    assert len(flags.octets) == 1_000_000
    assert (flags[7_999_998], flags[7_999_999]) == (False, True)
    assert len(flags.encoded()) < 3_000


@pytest.mark.parametrize("index", [-1, 16, 2**70])
def test_outside_the_list_nothing_is_known(index: int) -> None:
    array = StatusArray.of(16, 1)
    with pytest.raises(IndexError):
        array[index]
    with pytest.raises(IndexError):
        array[index] = VALID
    flags = Bitstring(bytes(2))
    with pytest.raises(IndexError):
        flags[index]


@pytest.mark.parametrize("status", [-1, 4])
def test_a_status_must_fit(status: int) -> None:
    with pytest.raises(ValueError, match="does not fit"):
        StatusArray.of(4, 2)[0] = status


def test_a_list_that_was_read_is_not_written() -> None:
    with pytest.raises(TypeError, match="for reading only"):
        read_lst("eNrbuRgAAhcBXQ", 1)[0] = VALID


@pytest.mark.parametrize("bits", [0, 3, 16, -1])
def test_a_status_takes_one_of_four_widths(bits: int) -> None:
    with pytest.raises(ValueError, match="1, 2, 4 or 8 bits"):
        StatusArray(bits, b"")
    with pytest.raises(BadStatusList, match="1, 2, 4 or 8 bits"):
        read_lst("eNrbuRgAAhcBXQ", bits)


@given(st.text(max_size=60), st.sampled_from(WIDTHS))
def test_anything_else_is_refused(text: str, bits: int) -> None:
    with pytest.raises(BadStatusList):
        read_lst(text, bits)
    with pytest.raises(BadStatusList):
        read_bitstring(text)


GOOD = zlib.compress(bytes(100))


@pytest.mark.parametrize(
    "octets",
    [
        GOOD[:-1],
        GOOD + b"\x00",
        GOOD[:-1] + bytes([GOOD[-1] ^ 1]),
        gzip.compress(bytes(100)),
        zlib.compress(bytes(100))[2:-4],
        b"",
    ],
    ids=["cut off", "more behind", "checksum", "gzip", "raw", "empty"],
)
def test_a_damaged_list_is_refused(octets: bytes) -> None:
    with pytest.raises(BadStatusList, match="cannot be unpacked") as refused:
        read_lst(text_of(octets), 1)
    assert refused.value.words.zh == "状态列表无法解开"


@pytest.mark.parametrize(
    "text", ["eNr+uRgA", "eNr/uRgA", "eNrbuRgAAhcBXQ==", "eNrb\n", "eNrbu", "é"]
)
def test_another_alphabet_is_refused(text: str) -> None:
    with pytest.raises(BadStatusList, match="cannot be unpacked"):
        read_lst(text, 1)


def test_a_bomb_is_refused_without_being_unpacked() -> None:
    squeeze = zlib.compressobj(9)
    zeros = bytes(1_000_000)
    bomb = b"".join([squeeze.compress(zeros) for _ in range(20)]) + squeeze.flush()
    assert len(bomb) < 20_000
    with pytest.raises(BadStatusList, match="too long"):
        read_lst(text_of(bomb), 8)
    with pytest.raises(BadStatusList, match="too long"):
        read_bitstring("u" + text_of(gzip.compress(bytes(20_000))), most=19_999)
    with pytest.raises(BadStatusList, match="too long"):
        read_lst("A" * (MOST_OCTETS * 3 // 2 + 1025), 1)


def test_the_limit_itself_is_allowed() -> None:
    assert len(read_lst(text_of(zlib.compress(bytes(100))), 8, most=100)) == 100
    assert len(read_bitstring("u" + text_of(gzip.compress(bytes(20_000))), most=20_000)) == 160_000


def test_a_bitstring_has_its_prefix_and_its_least_length() -> None:
    with pytest.raises(BadStatusList, match="letter u"):
        read_bitstring(W3C_LIST[1:])
    with pytest.raises(BadStatusList, match="fewer than 131,072 bits"):
        read_bitstring("u" + text_of(gzip.compress(bytes(LEAST_BITSTRING - 1))))
    with pytest.raises(ValueError, match="at least 131,072 bits"):
        Bitstring(bytes(LEAST_BITSTRING - 1)).encoded()


@given(st.text("0123").filter(lambda text: len(text) % 4 == 0))
def test_digits_are_statuses(digits: str) -> None:
    array = StatusArray.of_digits(digits)
    assert "".join(str(array[index]) for index in range(len(array))) == digits


@pytest.mark.parametrize("digits", ["012", "0124", "01 2", "٠١٢٣", "0x12"])
def test_other_characters_are_no_statuses(digits: str) -> None:
    with pytest.raises(ValueError, match="four digits"):
        StatusArray.of_digits(digits)


def test_flags_of_two_bitstrings() -> None:
    array = StatusArray.of(LEAST_BITSTRING * 8, 2)
    array[1], array[2] = INVALID, SUSPENDED
    both = array.bitstring(INVALID) | array.bitstring(SUSPENDED)
    assert [both[index] for index in range(4)] == [False, True, True, False]
    with pytest.raises(ValueError, match="one length"):
        both | Bitstring(b"")
