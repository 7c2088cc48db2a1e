"""Keys that sign tokens (令牌签名密钥): made here, used through PyJWT elsewhere."""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat


def new_token_key() -> bytes:
    """A fresh Ed25519 private key as unencrypted PKCS#8 PEM; the caller keeps it 0600.

    Ed25519, because its raw signature is what JWS wants (RFC 8037 §3.1): a department can make
    a client assertion with `openssl pkeyutl` alone.
    """
    return Ed25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
