"""SM2 (国密二号): the standard's example in both backends, and both backends against each other."""

import random
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from zwhub.kernel.crypto import sm2, sm2_openssl, sm2_pure
from zwhub.kernel.crypto.keys import Algorithm, PrivateKey

Run = Callable[..., subprocess.CompletedProcess[bytes]]
PARTS = ("public", "message", "signature")
EXAMPLE = {
    "public": sm2.EXAMPLE_PUBLIC,
    "message": sm2.EXAMPLE_MESSAGE,
    "signature": sm2.EXAMPLE_SIGNATURE,
    "identity": sm2.IDENTITY,
}
EXAMPLE_NONCE = 0x59276E27D506861A16680F3AD9C02DCCEF3CC1FA3CDBE4CE6D54B80DEAC1BC21


def _openssl_or_skip() -> None:
    try:
        sm2_openssl.public_of(sm2.EXAMPLE_PRIVATE)
    except sm2_openssl.NotAvailable as reason:
        pytest.skip(f"SM2 by libcrypto cannot be tested here: {reason}")


@pytest.fixture(params=["openssl", "pure"])
def backend(request: pytest.FixtureRequest) -> sm2.Backend:
    if request.param == "openssl":
        _openssl_or_skip()
    return sm2.BACKENDS[request.param]


@pytest.fixture
def fresh_library() -> Iterator[None]:
    sm2_openssl._library.cache_clear()
    yield
    sm2_openssl._library.cache_clear()


def _flipped(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def _one_bit_away() -> list[dict[str, bytes]]:
    return [
        EXAMPLE | {part: _flipped(EXAMPLE[part], bit)}
        for part in PARTS
        for bit in range(8 * len(EXAMPLE[part]))
    ]


def test_the_standards_example_verifies(backend: sm2.Backend) -> None:
    assert backend.verify(**EXAMPLE)
    assert backend.public_of(sm2.EXAMPLE_PRIVATE) == sm2.EXAMPLE_PUBLIC
    assert sm2.proves_itself(backend)


def test_openssl_refuses_every_one_bit_change_of_the_example() -> None:
    _openssl_or_skip()
    changes = _one_bit_away()
    assert len(changes) == 8 * (65 + 14 + 64)
    assert not any(sm2_openssl.verify(**change) for change in changes)


def test_pure_python_refuses_a_sample_of_120_one_bit_changes() -> None:
    changes = random.Random(20260101).sample(_one_bit_away(), 120)
    assert not any(sm2_pure.verify(**change) for change in changes)


def test_the_standards_nonce_gives_the_standards_signature(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("secrets.randbelow", lambda _: EXAMPLE_NONCE - 1)
    signature = sm2_pure.sign(sm2.EXAMPLE_PRIVATE, sm2.EXAMPLE_MESSAGE, sm2.IDENTITY)
    assert signature == sm2.EXAMPLE_SIGNATURE


@pytest.mark.parametrize("identity", [b"", b"1234567812345678", b"ALICE123@YAHOO.COM", b"x" * 8190])
def test_each_backend_verifies_what_the_other_signs(identity: bytes) -> None:
    _openssl_or_skip()
    for size in (0, 1, 64, 5000):
        private, public = sm2.generate()
        message = random.Random(size).randbytes(size)
        for signer in (sm2_openssl, sm2_pure):
            signature = signer.sign(private, message, identity)
            for verifier in (sm2_openssl, sm2_pure):
                assert verifier.verify(public, message, signature, identity)
                assert not verifier.verify(public, message, signature, identity + b"!")


def _number(value: int) -> bytes:
    return value.to_bytes(32, "big")


_R, _S = sm2.EXAMPLE_SIGNATURE[:32], sm2.EXAMPLE_SIGNATURE[32:]
_X, _Y = sm2.EXAMPLE_PUBLIC[1:33], sm2.EXAMPLE_PUBLIC[33:]
_EDGES = [0, 1, sm2_pure.N - 1, sm2_pure.N, sm2_pure.N + 1, 2**256 - 1]
_WRONG = [
    *({"signature": _number(edge) + _S} for edge in _EDGES),
    *({"signature": _R + _number(edge)} for edge in _EDGES),
    *({"signature": _number(one) + _number(two)} for one in _EDGES for two in _EDGES),
    {"signature": _R + _number(sm2_pure.N - int.from_bytes(_R, "big"))},  # t = 0
    {"signature": b""},
    {"signature": sm2.EXAMPLE_SIGNATURE + b"\0"},
    {"signature": sm2.EXAMPLE_SIGNATURE[:-1]},
    {"public": b""},
    {"public": b"\0"},  # the point at infinity, as SEC 1 writes it
    {"public": bytes(65)},
    {"public": b"\x04" + bytes(64)},
    {"public": b"\x02" + _X},
    {"public": b"\x06" + _X + _Y},  # the hybrid form
    {"public": b"\x04" + _Y + _X},
    {"public": b"\x04" + _X + _number(sm2_pure.P - int.from_bytes(_Y, "big"))},
    {"public": b"\x04" + _number(sm2_pure.P) + _Y},
    {"public": b"\x04" + b"\xff" * 64},
    {"identity": b"x" * 8191},
]


@pytest.mark.parametrize("wrong", _WRONG)
def test_garbage_is_false_and_never_raises(backend: sm2.Backend, wrong: dict[str, bytes]) -> None:
    assert backend.verify(**EXAMPLE | wrong) is False


def test_both_backends_agree_on_random_inputs() -> None:
    _openssl_or_skip()
    dice = random.Random(7)
    for _ in range(60):
        public = b"\x04" + dice.randbytes(64) if dice.random() < 0.3 else sm2.EXAMPLE_PUBLIC
        signature = dice.choice(
            [sm2.EXAMPLE_SIGNATURE, dice.randbytes(64), _R + dice.randbytes(32)]
        )
        message = dice.choice([sm2.EXAMPLE_MESSAGE, dice.randbytes(20)])
        answers = {
            b.verify(public, message, signature, sm2.IDENTITY) for b in sm2.BACKENDS.values()
        }
        assert len(answers) == 1


@pytest.mark.parametrize(
    "private", [b"", b"\1", bytes(32), _number(sm2_pure.N - 1), _number(sm2_pure.N), b"\1" * 33]
)
def test_what_is_no_private_key_signs_nothing(backend: sm2.Backend, private: bytes) -> None:
    with pytest.raises(ValueError, match="not an SM2 private key"):
        backend.public_of(private)
    with pytest.raises(ValueError, match="not an SM2 private key"):
        backend.sign(private, b"", sm2.IDENTITY)


def test_an_identity_that_does_not_fit_signs_nothing(backend: sm2.Backend) -> None:
    with pytest.raises(ValueError, match="8190"):
        backend.sign(sm2.EXAMPLE_PRIVATE, b"", b"x" * 8191)


def test_eight_threads_do_not_disturb_each_other() -> None:
    _openssl_or_skip()
    right, wrong = EXAMPLE, EXAMPLE | {"message": b"message digesT"}

    def work(seed: int) -> bool:
        dice = random.Random(seed)
        signature = sm2_openssl.sign(sm2.EXAMPLE_PRIVATE, b"mine", sm2.IDENTITY)
        good = (sm2_openssl.verify(**right) for _ in range(dice.randrange(20, 40)))
        bad = (not sm2_openssl.verify(**wrong) for _ in range(dice.randrange(20, 40)))
        own = sm2_pure.verify(sm2.EXAMPLE_PUBLIC, b"mine", signature, sm2.IDENTITY)
        return all(good) and all(bad) and own

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(16)))


def _small(number: int) -> tuple[bytes, tuple[int, int]]:
    public = sm2_pure.public_of(number.to_bytes(32, "big"))
    return public, (int.from_bytes(public[1:33], "big"), int.from_bytes(public[33:], "big"))


@pytest.mark.parametrize("d", [1, 2, 3])
def test_sums_that_double_or_vanish_on_the_way(d: int) -> None:
    """sG + tP where P = dG: with such small numbers the two chains meet and cancel."""
    table = sm2_pure._odd_multiples(_small(d)[1], 5)
    for s in range(12):
        for t in (0, 1, 2, 5, 9, sm2_pure.N - 1, sm2_pure.N - 3):
            found = sm2_pure._sum((s, 8, sm2_pure._base()), (t, 5, table))
            total = (s + t * d) % sm2_pure.N
            assert sm2_pure._x(found) == (_x_of(total) if total else None)


def _x_of(total: int) -> int:
    # (n - k)G mirrors kG, and n - 1 is no private key.
    return _small(min(total, sm2_pure.N - total))[1][0]


def test_a_signature_that_leads_to_infinity_is_false(backend: sm2.Backend) -> None:
    """sG + tP = O, which no signer produces: GB/T 32918.2 §7.1 has no x to compare there."""
    d, r = 5, 12345
    s = -r * d * pow(1 + d, -1, sm2_pure.N) % sm2_pure.N
    signature = _number(r) + _number(s)
    assert backend.verify(_small(d)[0], b"", signature, sm2.IDENTITY) is False


def test_a_nonce_that_gives_r_zero_is_thrown_away(monkeypatch: pytest.MonkeyPatch) -> None:
    draws = iter([0, 41])  # the nonces 1 and 42
    monkeypatch.setattr("secrets.randbelow", lambda _: next(draws))
    monkeypatch.setattr(sm2_pure, "_digest", lambda *_: sm2_pure.N - sm2_pure.GX % sm2_pure.N)
    signature = sm2_pure.sign(sm2.EXAMPLE_PRIVATE, b"", sm2.IDENTITY)
    assert sm2_pure.verify(sm2.EXAMPLE_PUBLIC, b"", signature, sm2.IDENTITY)
    assert list(draws) == []


class _Failing:
    """The real libcrypto, one function of which fails."""

    def __init__(self, name: str) -> None:
        self._real, self._name = sm2_openssl._library(), name

    def __getattr__(self, name: str) -> object:
        return (lambda *_: 0) if name == self._name else getattr(self._real, name)


@pytest.mark.parametrize(
    "name",
    [
        "EVP_PKEY_CTX_new_from_name",
        "EVP_PKEY_fromdata",
        "EVP_MD_CTX_new",
        "EVP_DigestSignInit_ex",
        "EVP_PKEY_CTX_set_params",
        "EVP_DigestSign",
        "EC_GROUP_new_by_curve_name",
        "EC_POINT_mul",
        "EC_POINT_point2oct",
    ],
)
def test_a_failing_libcrypto_is_said_to_be_not_available(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _openssl_or_skip()
    failing = _Failing(name)
    monkeypatch.setattr(sm2_openssl, "_library", lambda: failing)
    sm2_openssl.public_of.cache_clear()  # what was worked out before would hide the failure
    with pytest.raises(sm2_openssl.NotAvailable):
        sm2_openssl.sign(sm2.EXAMPLE_PRIVATE, b"", sm2.IDENTITY)
    assert not sm2.proves_itself(sm2_openssl)


def test_a_signature_that_cannot_be_read_is_not_handed_out(monkeypatch: pytest.MonkeyPatch) -> None:
    _openssl_or_skip()
    monkeypatch.setattr(sm2_openssl, "to_raw", lambda _: None)
    with pytest.raises(sm2_openssl.NotAvailable, match="no SM2 signature"):
        sm2_openssl.sign(sm2.EXAMPLE_PRIVATE, b"", sm2.IDENTITY)


def test_a_refused_signature_leaves_no_error_behind() -> None:
    _openssl_or_skip()
    library = sm2_openssl._library()
    sm2_openssl.verify(**EXAMPLE | {"public": b"\x04" + bytes(64)})
    sm2_openssl.verify(**EXAMPLE | {"signature": bytes(64)})
    assert library.ERR_peek_error() == 0


@pytest.mark.usefixtures("fresh_library")
def test_without_libcrypto_the_spare_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sm2_openssl, "_names", lambda: iter(["libcrypto.of.nowhere.so"]))
    with pytest.raises(sm2_openssl.NotAvailable, match="no libcrypto 3"):
        sm2_openssl.verify(**EXAMPLE)
    assert sm2.choose(sm2.BACKENDS) == ("pure", sm2_pure)


@pytest.mark.usefixtures("fresh_library")
def test_a_libcrypto_before_3_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sm2_openssl, "_OLDEST", 0x7FFFFFFF)
    sm2_openssl.public_of.cache_clear()  # what was worked out before would hide the failure
    with pytest.raises(sm2_openssl.NotAvailable, match="3 or newer"):
        sm2_openssl.public_of(sm2.EXAMPLE_PRIVATE)


def test_where_libcrypto_is_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ctypes.util.find_library", lambda _: None)
    assert list(sm2_openssl._names()) == ["libcrypto.so.3", "libcrypto.so.4"]
    monkeypatch.setattr("ctypes.util.find_library", lambda _: "libcrypto.so.9")
    assert next(sm2_openssl._names()) == "libcrypto.so.9"
    monkeypatch.setattr("sys.platform", "darwin")
    assert list(sm2_openssl._names()) == ["libcrypto.3.dylib", "libcrypto.4.dylib"]


def test_a_backend_that_accepts_everything_is_not_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sm2_openssl, "verify", lambda *_: True)
    assert sm2.choose(sm2.BACKENDS)[0] == "pure"
    with pytest.raises(RuntimeError, match="no SM2 backend"):
        sm2.choose({"openssl": sm2_openssl})


def test_the_chosen_backend_signs_and_verifies() -> None:
    assert sm2.backend() in sm2.BACKENDS
    private, public = sm2.generate()
    assert sm2.verify(public, b"record", sm2.sign(private, b"record"))
    assert sm2.public_of(private) == public


def test_openssl_command_and_hub_verify_each_other(openssl: Run, tmp_path: Path) -> None:
    key = PrivateKey.generate(Algorithm.SM2)
    files = {name: tmp_path / name for name in ("key.pem", "message", "signature")}
    files["key.pem"].write_text(key.pem())
    files["message"].write_bytes("电子证照".encode())
    common = ("-rawin", "-digest", "sm3", "-pkeyopt", "distid:1234567812345678")
    given = ("-inkey", str(files["key.pem"]), "-in", str(files["message"]))
    signed = openssl("pkeyutl", "-sign", *common, *given)
    raw = sm2.to_raw(signed.stdout)
    assert raw is not None
    assert key.public.verify(raw, "电子证照".encode())
    files["signature"].write_bytes(sm2.to_der(key.sign("电子证照".encode())))
    checked = openssl("pkeyutl", "-verify", *common, *given, "-sigfile", str(files["signature"]))
    assert (checked.returncode, checked.stdout.strip()) == (0, b"Signature Verified Successfully")
