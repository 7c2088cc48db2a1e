import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the scripts of this one and the npm packages they import."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("node and npm are missing: the graphql-http and graphql-ws checks did not run")
    folder = tmp_path_factory.mktemp("node")
    for file in (HERE / "package.json", *HERE.glob("*.mjs")):
        shutil.copy(file, folder)
    quiet = ["--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts"]
    subprocess.run([npm, "install", *quiet], cwd=folder, check=True, capture_output=True)
    return folder
