"""What all tests share: the command, built from the checkout unless L2M_BINARY names one."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True, scope="session")
def command(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The path of the command."""
    if named := os.environ.get("L2M_BINARY"):
        return named
    if shutil.which("go") is None:
        pytest.skip("neither L2M_BINARY nor Go is there")
    path = str(tmp_path_factory.mktemp("bin") / "l2m")
    subprocess.run(["go", "build", "-o", path, "./cmd/l2m"], cwd=ROOT, check=True)
    os.environ["L2M_BINARY"] = path
    return path


@pytest.fixture(autouse=True)
def working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory: runs without a name are written there."""
    monkeypatch.chdir(tmp_path)
    return tmp_path
