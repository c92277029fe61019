"""The Python lines of the documentation, word for word and in their order, in one interpreter for each page.

L2M_PYTHON names the interpreter, such as that of a virtual environment with nothing but the wheel.
"""

import os
import random
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def books(tmp_path: Path) -> Path:
    """A folder of text, as the pages have one."""
    folder = tmp_path / "books"
    folder.mkdir()
    rng = random.Random(1)
    words = "the of and memory length model reads past future grows token law every between".split()
    for i in range(24):
        (folder / f"{i}.txt").write_text(" ".join(rng.choice(words[i % 3 :]) for _ in range(3000)))
    return folder


@pytest.mark.parametrize("page", ["README.md", "docs/python.md", "python/README.md"])
def test_python_lines(page: str, books: Path) -> None:
    blocks = re.findall(r"(?ms)^```python\n(.*?)^```$", (ROOT / page).read_text(encoding="utf-8"))
    assert blocks, "the page has no Python"
    program = "\n".join(blocks)
    python, env = os.environ.get("L2M_PYTHON"), dict(os.environ)
    if python is None:
        python, env["PYTHONPATH"] = sys.executable, os.pathsep.join(sys.path)
    else:
        del env["L2M_BINARY"]
    for attribute, module in {".plot(": "matplotlib", ".estimates": "pandas"}.items():
        if (
            attribute in program
            and subprocess.run([python, "-c", f"import {module}"], env=env, capture_output=True).returncode
        ):
            pytest.skip(f"{python} has no {module}")
    done = subprocess.run(
        [python, "-c", program], cwd=books.parent, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
