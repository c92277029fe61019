import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import ROOT


def release(checkout: Path, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run scripts/release.sh."""
    script = str(checkout / "scripts/release.sh")
    return subprocess.run([script, *words], env={**os.environ, **env}, capture_output=True, text=True, check=False)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A clone, in which a tag does not disturb anybody."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("not a checkout of git")
    subprocess.run(["git", "clone", "--quiet", "--shared", str(ROOT), str(tmp_path / "a")], check=True)
    return tmp_path / "a"


def test_release_wants_a_version_and_an_entry_in_the_changelog(checkout: Path) -> None:
    refused = release(checkout)
    assert (refused.returncode, "no tag" in refused.stderr) == (2, True)
    refused = release(checkout, "9.8.7")
    assert (refused.returncode, 'no heading "## 9.8.7"' in refused.stderr) == (1, True)
    subprocess.run(["git", "tag", "v9.8.7"], cwd=checkout, check=True)
    refused = release(checkout)
    assert (refused.returncode, 'no heading "## 9.8.7"' in refused.stderr) == (1, True)
    (checkout / "more").touch()
    refused = release(checkout)
    assert (refused.returncode, "changes that the tag does not" in refused.stderr) == (1, True)
    assert not (checkout / "dist").exists()


def test_bill_of_materials(command: str, tmp_path: Path) -> None:
    if shutil.which("go") is None:
        pytest.skip("Go is not there")
    sbom, licences = tmp_path / "sbom.json", tmp_path / "licences.txt"
    script = str(ROOT / "scripts/sbom.py")
    subprocess.run([sys.executable, script, command, str(sbom), str(licences)], cwd=ROOT, check=True)
    document = json.loads(sbom.read_text())
    assert (document["bomFormat"], document["specVersion"]) == ("CycloneDX", "1.6")
    versions = {c["name"]: c["version"] for c in document["components"]}
    listed = subprocess.check_output(["go", "version", "-m", command], text=True).splitlines()
    wanted = {words[1]: words[2] for line in listed if (words := line.split())[:1] == ["dep"]}
    assert versions.pop("std")
    assert versions == wanted
    text = licences.read_text()
    assert all(f"\n{name} {version}: " in text for name, version in wanted.items())


# Minutes: the whole of a release of one platform, twice, in two folders.
@pytest.mark.skipif(not os.environ.get("L2M_LONG"), reason="L2M_LONG is not set")
def test_release_twice(checkout: Path, tmp_path: Path) -> None:
    changes = checkout / "CHANGELOG.md"
    changes.write_text(changes.read_text().replace("## Unreleased", "## 9.8.7"))
    shutil.copytree(checkout, tmp_path / "b")
    sums = []
    for folder in (checkout, tmp_path / "b"):
        done = release(folder, "v9.8.7", PLATFORMS="linux/amd64")
        assert done.returncode == 0, done.stderr
        sums.append((folder / "dist/9.8.7/SHA256SUMS").read_text())
    assert sums[0] == sums[1]
    names = [line.split()[1] for line in sums[0].splitlines()]
    assert names[:2] == ["l2m-9.8.7-linux-amd64.cdx.json", "l2m-9.8.7-linux-amd64.tar.gz"]
    assert names[2].startswith("l2m_lab-9.8.7-py3-none-manylinux_2_17_x86_64")
    archive = checkout / "dist/9.8.7/l2m-9.8.7-linux-amd64.tar.gz"
    files = subprocess.check_output(["tar", "tzf", str(archive)], text=True).split()
    for file in ("l2m", "LICENSE", "README.md", "man/l2m-measure.1", "completions/_l2m", "completions/l2m.bash"):
        assert f"l2m-9.8.7-linux-amd64/{file}" in files
