"""Builds wheels that carry the command; standard library only.

    python3 build_wheels.py wheel OUT VERSION GOOS/GOARCH BINARY [SBOM.cdx.json] [LICENCES.txt]
    python3 build_wheels.py zip OUT.zip FOLDER

It is also the build backend of pyproject.toml, so that pip install ./python works in a checkout where Go is there.
Equal input gives equal bytes; SOURCE_DATE_EPOCH is the date of the files within.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import os
import re
import subprocess
import sys
import tempfile
import time
import tomllib
import zipfile
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent

# The command is static on Linux: it needs no C library, of neither kind. Go 1.26 needs macOS 12.
PLATFORMS = {
    "linux/amd64": "manylinux_2_17_x86_64.manylinux2014_x86_64.musllinux_1_1_x86_64",
    "linux/arm64": "manylinux_2_17_aarch64.manylinux2014_aarch64.musllinux_1_1_aarch64",
    "darwin/amd64": "macosx_12_0_x86_64",
    "darwin/arm64": "macosx_12_0_arm64",
    "windows/amd64": "win_amd64",
}

NAME = "l2m_lab"  # of the project, as files are called after it
EXECUTABLE = 0o755
PLAIN = 0o644


def write_zip(path: Path, files: list[tuple[str, bytes, int]]) -> None:
    """Write files (name, content, mode) to an archive, in their order."""
    date = time.gmtime(max(int(os.environ.get("SOURCE_DATE_EPOCH", 0)), 315532800))[:6]  # ZIP begins in 1980
    with zipfile.ZipFile(path, "w") as archive:
        for name, content, mode in files:
            entry = zipfile.ZipInfo(name, date)
            entry.create_system, entry.external_attr, entry.compress_type = (
                3,
                (0o100000 | mode) << 16,
                zipfile.ZIP_DEFLATED,
            )
            archive.writestr(entry, content)


def pep440(version: str) -> str:
    """Write a version of Go, such as v0.2.0-rc.1, as Python does: 0.2.0rc1."""
    match = re.fullmatch(r"v?(\d+\.\d+\.\d+)(?:-(alpha|beta|rc)\.?(\d+))?", version)
    if match is None:
        raise SystemExit(f"{version} is no version such as 1.2.3 or 1.2.3-rc.1")
    number, kind, count = match.groups()
    return number + ({"alpha": "a", "beta": "b", "rc": "rc"}[kind] + count if kind else "")


def metadata(version: str, licences: list[str]) -> str:
    """Return the file METADATA (core metadata 2.4)."""
    project = tomllib.loads((HERE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = [
        "Metadata-Version: 2.4",
        f"Name: {project['name']}",
        f"Version: {version}",
        f"Summary: {project['description']}",
        f"Keywords: {','.join(project['keywords'])}",
        f"License-Expression: {project['license']}",
        *(f"License-File: {name}" for name in ["LICENSE", *licences]),
        *(f"Classifier: {c}" for c in project["classifiers"]),
        *(f"Project-URL: {name}, {url}" for name, url in project["urls"].items()),
        f"Requires-Python: {project['requires-python']}",
        *(f"Requires-Dist: {d}" for d in project["dependencies"]),
    ]
    for extra, needs in project["optional-dependencies"].items():
        lines += [f"Provides-Extra: {extra}", *(f'Requires-Dist: {d}; extra == "{extra}"' for d in needs)]
    return "\n".join(
        [*lines, "Description-Content-Type: text/markdown", "", (HERE / project["readme"]).read_text(encoding="utf-8")]
    )


def write_wheel(out: Path, version: str, platform: str, binary: Path, *beside: Path) -> Path:
    """Write the wheel of a platform (GOOS/GOARCH) into the folder out; beside are bills of materials and licences."""
    tags = PLATFORMS[platform]
    info = f"{NAME}-{version}.dist-info"
    files = [
        (f"l2m/{p.name}", p.read_bytes(), PLAIN)
        for p in sorted((HERE / "src/l2m").iterdir())
        if p.suffix in {".py", ".typed"}
    ]
    script = "l2m.exe" if platform.startswith("windows/") else "l2m"
    files.append((f"{NAME}-{version}.data/scripts/{script}", binary.read_bytes(), EXECUTABLE))
    wheel = ["Wheel-Version: 1.0", "Generator: l2m build_wheels", "Root-Is-Purelib: false"]
    wheel += [f"Tag: py3-none-{tag}" for tag in tags.split(".")]
    files += [
        (f"{info}/METADATA", metadata(version, [p.name for p in beside if p.suffix == ".txt"]).encode(), PLAIN),
        (f"{info}/WHEEL", ("\n".join(wheel) + "\n").encode(), PLAIN),
        (f"{info}/licenses/LICENSE", (ROOT / "LICENSE").read_bytes(), PLAIN),
    ]
    for p in beside:
        files.append((f"{info}/{'licenses' if p.suffix == '.txt' else 'sboms'}/{p.name}", p.read_bytes(), PLAIN))
    record = io.StringIO()
    rows = csv.writer(record, lineterminator="\n")
    for name, content, _ in files:
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        rows.writerow([name, f"sha256={digest}", len(content)])
    rows.writerow([f"{info}/RECORD", "", ""])
    files.append((f"{info}/RECORD", record.getvalue().encode(), PLAIN))
    path = out / f"{NAME}-{version}-py3-none-{tags}.whl"
    write_zip(path, files)
    return path


def build_wheel(wheel_directory: str, config_settings: object = None, metadata_directory: str | None = None) -> str:
    """Build the wheel of this machine (PEP 517)."""
    version = os.environ.get("L2M_VERSION", "0.0.0")
    platform = "/".join(subprocess.check_output(["go", "env", "GOOS", "GOARCH"], text=True, cwd=ROOT).split())
    with tempfile.TemporaryDirectory() as folder:
        binary = Path(folder, "l2m")
        release = f"-s -w -X github.com/l2m-lab/l2m/info.release={version}"
        command = ["go", "build", "-trimpath", "-ldflags", release, "-o", str(binary), "./cmd/l2m"]
        subprocess.run(command, cwd=ROOT, check=True, env={**os.environ, "CGO_ENABLED": "0"})
        return write_wheel(Path(wheel_directory), pep440(version), platform, binary).name


def main(words: list[str]) -> None:
    """Do what the command line says."""
    match words:
        case ["wheel", out, version, platform, binary, *beside]:
            print(write_wheel(Path(out), pep440(version), platform, Path(binary), *map(Path, beside)))
        case ["zip", out, folder]:
            top = Path(folder)
            paths = sorted(p for p in top.rglob("*") if p.is_file())
            write_zip(
                Path(out),
                [
                    (
                        p.relative_to(top.parent).as_posix(),
                        p.read_bytes(),
                        EXECUTABLE if os.access(p, os.X_OK) else PLAIN,
                    )
                    for p in paths
                ],
            )
        case _:
            raise SystemExit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
