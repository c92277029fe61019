"""Random processes whose information is known exactly."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ._arrays import save
from ._command import Option, call

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray


class Truth(NamedTuple):
    """The exact information of a process.

    Attributes:
        lengths: L, the tokens of windows.
        nats: the information between the two parts of a window of that length.
        document: everything that l2m process truth says: two-point information, frontier, memories.

    """

    lengths: NDArray[np.int64]
    nats: NDArray[np.float64]
    document: Mapping[str, Any]


class Gap(NamedTuple):
    """How far the predictions of a model are from the exact law of a process.

    Attributes:
        document: everything that l2m lab eval says.
        page: a page with a figure, HTML.

    """

    document: Mapping[str, Any]
    page: str


class Process:
    """A random process, by its name and parameters: "hierarchical:c=3".

    Attributes:
        spec: the name with all parameters.
        description: what l2m process describe says of it.

    """

    def __init__(self, spec: str, **parameters: Option) -> None:
        with call(["process", "describe"], [spec], {**parameters, "json": True}) as out:
            self.description: Mapping[str, Any] = json.load(out)
        self.spec = str(self.description["spec"])

    def __repr__(self) -> str:
        return f"Process({self.spec!r})"

    def sample(self, n: int, L: int, **options: Option) -> NDArray[Any]:
        """Draw n sequences of L tokens; the same seed draws the same.

        Returns:
            float64 (n, L), or (n, L, copies) of a process with copies, or uint32 (n, L) of symbols.

        """
        import numpy as np

        flags = {"quiet": True, **options, "count": n, "length": L, "format": "npy"}
        with call(["process", "sample"], [self.spec], flags) as out:
            return np.asarray(np.load(out))

    def truth(self, **options: Option) -> Truth:
        """Return the exact information; options are the flags of l2m process truth, such as length=65536."""
        import numpy as np

        with call(["process", "truth"], [self.spec], {**options, "json": True}) as out:
            document = json.load(out)
        rows = document["bipartite"]
        return Truth(
            np.array([r["length"] for r in rows], dtype=np.int64),
            np.array([r["nats"] for r in rows], dtype=np.float64),
            document,
        )

    def gap(self, x: ArrayLike, **predictions: ArrayLike) -> Gap:
        """Evaluate what a model predicts of each token of samples x (n, L).

        Args:
            x: the samples.
            predictions: mean and deviation of each token given those before it, or its logprobs; of the shape of x.

        """
        with tempfile.TemporaryDirectory() as folder:
            file, page = Path(folder, "predictions.npz"), Path(folder, "gap.html")
            save(file, {"x": x, **predictions})
            flags: dict[str, Option] = {"predictions": file, "data": self.spec, "html": page, "json": True}
            with call(["lab", "eval"], options=flags) as out:
                return Gap(json.load(out), page.read_text(encoding="utf-8"))
