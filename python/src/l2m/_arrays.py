"""Arrays and tables as the command reads them."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def is_integers(x: Any) -> bool:
    """Report whether x is an array of integers."""
    return getattr(getattr(x, "dtype", None), "kind", "") in {"i", "u"}


def rows_as_bytes(tokens: Any) -> Iterator[bytes]:
    """Rows of tokens as bytes."""
    import numpy as np

    rows = np.atleast_2d(np.asarray(tokens))
    if rows.ndim != 2 or rows.size == 0:
        raise ValueError(f"tokens have the shape {rows.shape}, not (documents, tokens)")
    if rows.min() < 0 or rows.max() > 255:
        raise ValueError(
            f"tokens from {rows.min()} to {rows.max()}: the built-in predictor reads 0 to 255; "
            "score others with a model of yours, and give l2m.logprobs what it says"
        )
    return (row.astype(np.uint8).tobytes() for row in rows)


def save(file: Path, arrays: Mapping[str, ArrayLike]) -> None:
    """Write arrays to an .npz file."""
    import numpy as np

    # A cast, since its types take any name for one of its own parameters.
    np.savez(file, allow_pickle=False, **cast("Any", {name: np.asarray(a) for name, a in arrays.items()}))


def table(rows: Iterable[Iterable[Any]], names: Collection[Any] = ()) -> Iterator[bytes]:
    """Lines of a table, its numbers in full precision."""
    import csv
    import io

    for row in itertools.chain([names] if names else [], rows):
        line = io.StringIO()
        csv.writer(line, lineterminator="\n").writerow(_cell(x) for x in row)
        yield line.getvalue().encode()


def _cell(x: Any) -> Any:
    if x is None or x != x:  # what tables have for nothing, such as NaN
        return ""
    if isinstance(x, str):
        return x
    return int(x) if int(x) == x else repr(float(x))
