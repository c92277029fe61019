"""What a binary of Go is made of, as CycloneDX 1.6, and the licences of that.

python3 scripts/sbom.py BINARY SBOM.cdx.json LICENCES.txt
"""

import json
import subprocess
import sys
from pathlib import Path

LICENCES = ("LICENSE*", "LICENCE*", "COPYING*", "NOTICE*", "PATENTS*")


def main(binary: str, sbom: str, licences: str) -> None:
    """Write both files."""
    info = json.loads(subprocess.check_output(["go", "version", "-m", "-json", binary]))
    modules = [m.get("Replace") or m for m in info["Deps"]]
    library = {"type": "library", "name": "std", "version": info["GoVersion"].removeprefix("go")}
    parts = [library | {"purl": f"pkg:golang/std@{library['version']}"}]
    for m in modules:
        purl = f"pkg:golang/{m['Path']}@{m['Version']}"
        part = {"type": "library", "bom-ref": purl, "name": m["Path"], "version": m["Version"], "purl": purl}
        if "Sum" in m:
            part["properties"] = [{"name": "go:sum", "value": m["Sum"]}]
        parts.append(part)
    settings = {s["Key"]: s.get("Value", "") for s in info.get("Settings", [])}
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "name": info["Main"]["Path"],
                "purl": f"pkg:golang/{info['Main']['Path']}?goos={settings['GOOS']}&goarch={settings['GOARCH']}",
            }
        },
        "components": parts,
    }
    Path(sbom).write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")

    folders = [("Go", Path(subprocess.check_output(["go", "env", "GOROOT"], text=True).strip()))]
    for m in modules:
        found = json.loads(subprocess.check_output(["go", "mod", "download", "-json", f"{m['Path']}@{m['Version']}"]))
        folders.append((f"{m['Path']} {m['Version']}", Path(found["Dir"])))
    texts = []
    for name, folder in folders:
        files = sorted({p for pattern in LICENCES for p in folder.glob(pattern) if p.is_file()})
        if not files:
            texts.append(f"{'=' * 80}\n{name}: its module has no file of a licence\n")
        texts += [f"{'=' * 80}\n{name}: {p.name}\n\n{p.read_text(encoding='utf-8').strip()}\n" for p in files]
    Path(licences).write_text("\n".join(texts), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
