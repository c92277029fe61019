import base64
import csv
import hashlib
import io
import os
import subprocess
import sys
import zipfile
from email.parser import BytesParser
from pathlib import Path

import numpy
import pytest

import build_wheels
import l2m


@pytest.mark.parametrize("platform", build_wheels.PLATFORMS)
def test_wheels_of_all_platforms(platform: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program, sbom, licences = tmp_path / "program", tmp_path / "l2m.cdx.json", tmp_path / "OTHERS.txt"
    for path in (program, sbom, licences):
        path.write_text(path.name)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1790000001")
    made = []
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        program.touch()
        made.append(build_wheels.write_wheel(tmp_path / folder, "1.2.3", platform, program, sbom, licences))
    assert made[0].read_bytes() == made[1].read_bytes()

    with zipfile.ZipFile(made[0]) as wheel:
        files = {name: wheel.read(name) for name in wheel.namelist()}
        script = next(i for i in wheel.infolist() if ".data/scripts/" in i.filename)
        dates = {i.date_time for i in wheel.infolist()}
    # date -u -d @1790000001, in steps of two seconds.
    assert dates == {(2026, 9, 21, 14, 13, 20)}
    assert script.filename == "l2m_lab-1.2.3.data/scripts/l2m" + (".exe" if platform.startswith("windows") else "")
    assert script.external_attr >> 16 & 0o777 == 0o755
    assert files[script.filename] == b"program"
    info = "l2m_lab-1.2.3.dist-info/"
    assert {info + "licenses/LICENSE", info + "licenses/OTHERS.txt", info + "sboms/l2m.cdx.json"} <= set(files)
    assert {"l2m/__init__.py", "l2m/py.typed"} <= set(files)

    record = list(csv.reader(io.StringIO(files[info + "RECORD"].decode())))
    assert {row[0] for row in record} == set(files)
    for name, digest, size in record:
        if name != info + "RECORD":
            assert digest == "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(files[name]).digest()).decode().rstrip(
                "="
            )
            assert int(size) == len(files[name])

    tags = [line.split(": ")[1] for line in files[info + "WHEEL"].decode().splitlines() if line.startswith("Tag")]
    _, _, python, abi, platforms = made[0].stem.split("-")
    assert tags == [f"{python}-{abi}-{p}" for p in platforms.split(".")]
    about = BytesParser().parsebytes(files[info + "METADATA"])
    assert (about["Name"], about["Version"], about["License-Expression"]) == ("l2m-lab", "1.2.3", "Apache-2.0")
    assert about.get_all("License-File") == ["LICENSE", "OTHERS.txt"]
    assert [d for d in about.get_all("Requires-Dist", []) if "extra" not in d] == ["numpy>=1.26"]


def test_versions() -> None:
    assert build_wheels.pep440("v0.2.0") == "0.2.0"
    assert build_wheels.pep440("0.2.0-rc.1") == "0.2.0rc1"
    with pytest.raises(SystemExit, match="no version"):
        build_wheels.pep440("latest")


# The wheel of this machine, in a virtual environment that has nothing else but NumPy.
def test_installed(tmp_path: Path, command: str) -> None:
    platform = "/".join(
        {"x86_64": "amd64", "aarch64": "arm64", "AMD64": "amd64"}.get(word, word)
        for word in (sys.platform.replace("win32", "windows"), os.uname().machine)
    )
    wheel = build_wheels.write_wheel(tmp_path, "1.2.3", platform, Path(command))
    home = tmp_path / "home"
    subprocess.run([sys.executable, "-m", "venv", home], check=True)
    pip = [str(home / "bin/pip"), "install", "--quiet", "--disable-pip-version-check", "--no-index", "--no-deps"]
    subprocess.run([*pip, str(wheel)], check=True)
    env = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(Path(numpy.__file__).parents[1])}
    said = subprocess.run([home / "bin/l2m", "--version"], env=env, capture_output=True, text=True, check=True)
    assert said.stdout == l2m.run("version")
    program = "import l2m; print(l2m.__version__, l2m.binary()); print(l2m.process('iid').truth(length=8).nats)"
    used = subprocess.run([home / "bin/python", "-c", program], env=env, capture_output=True, text=True, check=True)
    assert used.stdout == f"1.2.3 {home}/bin/l2m\n[0. 0. 0.]\n"
    module = subprocess.run(
        [home / "bin/python", "-m", "l2m", "--version"], env=env, capture_output=True, text=True, check=True
    )
    assert module.stdout == said.stdout
