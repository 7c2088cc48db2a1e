"""SM2 signatures (国密椭圆曲线签名) by the system's libcrypto 3 or newer, called through ctypes.

Every call builds and frees its own objects, so threads never share state, and ctypes lets go
of the interpreter lock while libcrypto works.
"""

import ctypes
import ctypes.util
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import lru_cache

from zwhub.kernel.crypto.signature_pair import COORDINATE, RAW, to_der, to_raw
from zwhub.kernel.crypto.sm2_pure import MAX_IDENTITY, PUBLIC, scalar

_PUBLIC_KEY, _KEY_PAIR = 0x86, 0x87  # EVP_PKEY_PUBLIC_KEY, EVP_PKEY_KEYPAIR
_UNSIGNED, _UTF8, _OCTETS = 2, 4, 5  # OSSL_PARAM data types
_NID_SM2, _UNCOMPRESSED = 1172, 4
_OLDEST = 0x30000000
_MAX_DER = 72


class NotAvailable(Exception):
    """This machine has no libcrypto that signs with SM2."""


class _Parameter(ctypes.Structure):
    _fields_ = (
        ("key", ctypes.c_char_p),
        ("data_type", ctypes.c_uint),
        ("data", ctypes.c_void_p),
        ("data_size", ctypes.c_size_t),
        ("return_size", ctypes.c_size_t),
    )


_pointer, _int, _size, _text = ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t, ctypes.c_char_p
_out = ctypes.POINTER(ctypes.c_void_p)
_parameters = ctypes.POINTER(_Parameter)
_init = (_pointer, _out, _text, _pointer, _text, _pointer, _parameters)

_FUNCTIONS: dict[str, tuple[type | None, tuple[type, ...]]] = {
    "ERR_clear_error": (None, ()),
    "EVP_PKEY_CTX_new_from_name": (_pointer, (_pointer, _text, _text)),
    "EVP_PKEY_CTX_free": (None, (_pointer,)),
    "EVP_PKEY_fromdata_init": (_int, (_pointer,)),
    "EVP_PKEY_fromdata": (_int, (_pointer, _out, _int, _parameters)),
    "EVP_PKEY_free": (None, (_pointer,)),
    "EVP_PKEY_CTX_set_params": (_int, (_pointer, _parameters)),
    "EVP_MD_CTX_new": (_pointer, ()),
    "EVP_MD_CTX_free": (None, (_pointer,)),
    "EVP_DigestVerifyInit_ex": (_int, _init),
    "EVP_DigestVerify": (_int, (_pointer, _text, _size, _text, _size)),
    "EVP_DigestSignInit_ex": (_int, _init),
    "EVP_DigestSign": (_int, (_pointer, _text, ctypes.POINTER(_size), _text, _size)),
    "EC_GROUP_new_by_curve_name": (_pointer, (_int,)),
    "EC_GROUP_free": (None, (_pointer,)),
    "EC_POINT_new": (_pointer, (_pointer,)),
    "EC_POINT_free": (None, (_pointer,)),
    "EC_POINT_mul": (_int, (_pointer,) * 6),
    "EC_POINT_point2oct": (_size, (_pointer, _pointer, _int, _text, _size, _pointer)),
    "BN_bin2bn": (_pointer, (_text, _int, _pointer)),
    "BN_clear_free": (None, (_pointer,)),
}


def verify(public: bytes, message: bytes, signature: bytes, identity: bytes) -> bool:
    """Whether `signature` (64 bytes r‖s) is `public`'s (65 bytes) on `message`.

    Garbage is False; the only thing ever raised is NotAvailable.
    """
    library = _library()
    if len(public) != PUBLIC or len(signature) != RAW or len(identity) > MAX_IDENTITY:
        return False
    der = to_der(signature)
    with _cleared(library), ExitStack() as stack:
        key = _key(library, stack, _PUBLIC_KEY, _octets(b"pub", public))
        context = key and _started(library, stack, "EVP_DigestVerifyInit_ex", key, identity)
        if not context:
            return False
        return bool(library.EVP_DigestVerify(context, der, len(der), message, len(message)) == 1)


def sign(private: bytes, message: bytes, identity: bytes) -> bytes:
    """64 bytes r‖s over `message` (GB/T 32918.2 §6.1). ValueError: no private key, identity."""
    library = _library()
    if len(identity) > MAX_IDENTITY:
        raise ValueError("an SM2 identity has at most 8190 bytes")
    public = public_of(private)
    native = scalar(private).to_bytes(COORDINATE, sys.byteorder)
    length, buffer = ctypes.c_size_t(_MAX_DER), ctypes.create_string_buffer(_MAX_DER)
    with _cleared(library), ExitStack() as stack:
        secret = _parameter(b"priv", _UNSIGNED, native)
        key = _key(library, stack, _KEY_PAIR, _octets(b"pub", public), secret)
        context = key and _started(library, stack, "EVP_DigestSignInit_ex", key, identity)
        size = ctypes.byref(length)
        if not context or not library.EVP_DigestSign(context, buffer, size, message, len(message)):
            raise NotAvailable("libcrypto could not sign with SM2")
    raw = to_raw(buffer.raw[: length.value])
    if raw is None:
        raise NotAvailable("libcrypto gave no SM2 signature")
    return raw


@lru_cache(maxsize=64)  # a signer needs its own at every signature
def public_of(private: bytes) -> bytes:
    """The 65 bytes 04‖x‖y of a 32-byte private key; ValueError when it is none."""
    library = _library()
    scalar(private)
    encoded = ctypes.create_string_buffer(PUBLIC)
    with _cleared(library), ExitStack() as stack:
        group = _owned(
            library, stack, "EC_GROUP_free", library.EC_GROUP_new_by_curve_name(_NID_SM2)
        )
        number = library.BN_bin2bn(private, len(private), None)
        _owned(library, stack, "BN_clear_free", number)
        point = _owned(library, stack, "EC_POINT_free", library.EC_POINT_new(group))
        done = library.EC_POINT_mul(group, point, number, None, None, None)
        form = (_UNCOMPRESSED, encoded, PUBLIC, None)
        if not done or library.EC_POINT_point2oct(group, point, *form) != PUBLIC:
            raise NotAvailable("libcrypto could not multiply on the SM2 curve")
    return encoded.raw


@lru_cache(maxsize=1)
def _library() -> ctypes.CDLL:
    for name in _names():
        try:
            library = ctypes.CDLL(name)
            version = library.OpenSSL_version_num
            version.restype = ctypes.c_ulong
            if version() >= _OLDEST:
                return _declared(library)
        except (OSError, AttributeError):
            continue  # absent, or too old to know these functions
    raise NotAvailable("no libcrypto 3 or newer on this machine")


def _names() -> Iterator[str]:
    # macOS kills a process that loads its unversioned libcrypto, so it is never asked for there.
    if sys.platform == "darwin":
        yield from ("libcrypto.3.dylib", "libcrypto.4.dylib")
        return
    found = ctypes.util.find_library("crypto")
    if found:
        yield found
    yield from ("libcrypto.so.3", "libcrypto.so.4")


def _declared(library: ctypes.CDLL) -> ctypes.CDLL:
    for name, (result, arguments) in _FUNCTIONS.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


@contextmanager
def _cleared(library: ctypes.CDLL) -> Iterator[None]:
    # Python's own ssl may share this library: an error left in the thread's queue would
    # surface as a failure of some later, innocent TLS call.
    try:
        yield
    finally:
        library.ERR_clear_error()


def _owned(library: ctypes.CDLL, stack: ExitStack, free: str, thing: int | None) -> int:
    if not thing:
        raise NotAvailable("libcrypto lacks SM2, or memory")
    stack.callback(getattr(library, free), thing)
    return thing


def _key(library: ctypes.CDLL, stack: ExitStack, selection: int, *parts: _Parameter) -> int | None:
    """An EVP_PKEY on the SM2 curve; None when libcrypto does not take the parts for a key."""
    made = library.EVP_PKEY_CTX_new_from_name(None, b"SM2", None)
    context = _owned(library, stack, "EVP_PKEY_CTX_free", made)
    key = ctypes.c_void_p()
    parameters = _array(_parameter(b"group", _UTF8, b"SM2"), *parts)
    library.EVP_PKEY_fromdata_init(context)
    if library.EVP_PKEY_fromdata(context, ctypes.byref(key), selection, parameters) != 1:
        return None
    return _owned(library, stack, "EVP_PKEY_free", key.value)


def _started(
    library: ctypes.CDLL, stack: ExitStack, start: str, key: int, identity: bytes
) -> int | None:
    """A digest context ready to sign or verify under `identity`, or None."""
    context = _owned(library, stack, "EVP_MD_CTX_free", library.EVP_MD_CTX_new())
    inner = ctypes.c_void_p()  # belongs to the context
    begun = getattr(library, start)(context, ctypes.byref(inner), b"SM3", None, None, key, None)
    # libcrypto 3.0 takes the identity only after the start, before the first byte.
    named = _array(_octets(b"distid", identity))
    if begun != 1 or library.EVP_PKEY_CTX_set_params(inner, named) != 1:
        return None
    return context


def _octets(key: bytes, data: bytes) -> _Parameter:
    return _parameter(key, _OCTETS, data)


def _parameter(key: bytes, data_type: int, data: bytes) -> _Parameter:
    pointer = ctypes.cast(ctypes.c_char_p(data), ctypes.c_void_p)
    return _Parameter(key, data_type, pointer, len(data), 0)


def _array(*parameters: _Parameter) -> "ctypes.Array[_Parameter]":
    return (_Parameter * (len(parameters) + 1))(*parameters)  # the zeroed last one ends the list
