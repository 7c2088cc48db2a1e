"""Cryptography (密码): keys, signatures, certificates, digests; nowhere else knows them."""
