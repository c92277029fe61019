import os
import sys
from pathlib import Path

import pytest

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))
NEEDS = {
    "measure": ["pandas", "pyarrow", "matplotlib"],
    "pytorch": ["torch", "matplotlib"],
    "gap": ["torch", "matplotlib"],
    "audit": ["pandas"],
}


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda p: p.stem)
def test_notebook(notebook: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nbformat = pytest.importorskip("nbformat")
    book = nbformat.read(notebook, as_version=4)
    nbformat.validate(book)
    for cell in book.cells:
        assert cell.cell_type == "markdown" or (cell.outputs == [] and cell.execution_count is None), (
            "outputs are not kept"
        )
    for module in ["nbclient", "ipykernel", *NEEDS[notebook.stem]]:
        pytest.importorskip(module)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    from nbclient import NotebookClient

    NotebookClient(book, timeout=1200, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}).execute()
    shown = [o for cell in book.cells for o in cell.get("outputs", [])]
    assert any("data:image/svg" in o.get("data", {}).get("text/html", "") for o in shown) or notebook.stem == "gap"
    assert not [o for o in shown if o.output_type == "error"]
