"""Keys (密钥) made once for all tests of this room: an RSA key is slow to find."""

import shutil
import subprocess
from collections.abc import Callable, Mapping

import pytest

from zwhub.kernel.crypto.keys import Algorithm, PrivateKey


@pytest.fixture(scope="session")
def keys() -> Mapping[Algorithm, PrivateKey]:
    return {algorithm: PrivateKey.generate(algorithm) for algorithm in Algorithm}


@pytest.fixture(scope="session")
def openssl() -> Callable[..., subprocess.CompletedProcess[bytes]]:
    """Runs the machine's `openssl` with the given arguments, standard input by keyword."""
    program = shutil.which("openssl")
    if program is None:
        pytest.skip("the openssl command is not on this machine: no cross-check with it")

    def run(*arguments: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        return subprocess.run([program, *arguments], input=given, capture_output=True, check=False)

    if b"SM2" not in run("list", "-public-key-algorithms").stdout:
        pytest.skip("this machine's openssl does not know SM2: no cross-check with it")
    return run
