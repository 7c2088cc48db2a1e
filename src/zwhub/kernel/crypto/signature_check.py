"""Checking a signature by its algorithm's OID (按算法标识验签), as seals and CMS name it."""

from zwhub.kernel.crypto.certificates import ECDSA_SHA256, RSA_PKCS1_SHA256, RSA_PSS, SM2_SM3
from zwhub.kernel.crypto.keys import Algorithm, PublicKey
from zwhub.kernel.crypto.signature_pair import RAW, to_raw

# In CMS the signature's algorithm may name the key alone; the digest stands beside it.
_KEY_ALONE = {
    "1.2.840.113549.1.1.1": {Algorithm.PS256: RSA_PKCS1_SHA256},  # rsaEncryption
    "1.2.840.10045.2.1": {Algorithm.ES256: ECDSA_SHA256, Algorithm.SM2: SM2_SM3},  # ecPublicKey
    "1.2.156.10197.1.301": {Algorithm.SM2: SM2_SM3},  # the SM2 curve
    "1.2.156.10197.1.301.1": {Algorithm.SM2: SM2_SM3},  # SM2 signing, GM/T 0006
}
_FOR = {
    SM2_SM3: Algorithm.SM2,
    ECDSA_SHA256: Algorithm.ES256,
    RSA_PKCS1_SHA256: Algorithm.PS256,
    RSA_PSS: Algorithm.PS256,
}


def checks_out(oid: str, key: PublicKey, signature: bytes, message: bytes) -> bool | None:
    """Whether `signature` is `key`'s on `message` under the algorithm `oid`.

    None where the algorithm is not one of SM2/SM3, ECDSA P-256 and RSA with SHA-256, or does not
    belong to the key: then nothing can be said. A pair may be DER or 64 raw bytes.
    """
    oid = _KEY_ALONE.get(oid, {}).get(key.algorithm, oid)
    if _FOR.get(oid) is not key.algorithm:
        return None
    if oid == RSA_PKCS1_SHA256:
        return key.verify_pkcs1(signature, message)
    if oid == RSA_PSS:
        return key.verify_pss(signature, message)
    if len(signature) != RAW:
        signature = to_raw(signature) or b""
    return key.verify(signature, message)
