"""What the verbs give back: run directories, seen from Python."""

from __future__ import annotations

import base64
import importlib
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ._command import Error

if TYPE_CHECKING:
    from tempfile import TemporaryDirectory


class Interval(NamedTuple):
    """An interval of a number, in its unit."""

    lo: float
    hi: float
    level: float
    method: str


class Estimate(NamedTuple):
    """A number with its standard error and its interval, where they are known."""

    value: float
    se: float | None = None
    interval: Interval | None = None

    def __float__(self) -> float:
        return self.value


class Law(NamedTuple):
    """The law of one estimator: I(L/2; L) ≈ A·L^beta nats.

    Attributes:
        estimator: such as "paired".
        ratio: L/ℓ.
        verdict: "power-law", "not-power-law", "none" or "undecided".
        reason: why, in a sentence.
        A: nats at L = 1.
        beta: the exponent.
        rivals: the other families, best first, as in results.json.
        document: everything that results.json says of it.

    """

    estimator: str
    ratio: int
    verdict: str
    reason: str
    A: Estimate
    beta: Estimate
    rivals: Sequence[Mapping[str, Any]]
    document: Mapping[str, Any]

    def __str__(self) -> str:
        return self.reason


def _law(series: Mapping[str, Any]) -> Law:
    found = series.get("law", {})
    if "power" not in found:
        raise Error(found.get("reason") or "no law was fitted", [], 0)
    params = {p["name"]: p for p in found["power"]["params"]}

    def estimate(name: str) -> Estimate:
        p = params[name]
        i = p.get("interval")
        return Estimate(
            p["value"], p.get("se"), Interval(i["lo"], i["hi"], i["level"], i.get("method", "")) if i else None
        )

    return Law(
        series["estimator"],
        series["ratio"],
        found.get("verdict", ""),
        found.get("reason", ""),
        estimate("A"),
        estimate("beta"),
        found.get("rivals", []),
        found,
    )


class Output(os.PathLike[str]):
    """A directory that the command wrote, which other verbs take by its name, or as it is.

    Attributes:
        path: the directory; a temporary one lasts as long as this object.

    """

    document_name = "results.json"
    table_name = "estimates.csv"
    figure_name = "law"

    def __init__(self, path: str | os.PathLike[str], *, temporary: TemporaryDirectory[str] | None = None) -> None:
        self.path = Path(path)
        self._temporary = temporary
        self._document: dict[str, Any] | None = None

    def __fspath__(self) -> str:
        return str(self.path)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.path)!r})"

    @property
    def document(self) -> dict[str, Any]:
        """Everything that was found, as in docs/format.md."""
        if self._document is None:
            self._document = json.loads((self.path / self.document_name).read_text(encoding="utf-8"))
        return self._document

    def table(self) -> Any:
        """Return the table as a DataFrame of pandas or polars, whichever is there."""
        return _frame(self.path / self.table_name)

    def _summary(self) -> str:
        return ""

    def _repr_html_(self) -> str:
        import html

        figure = self.path / "figures" / f"{self.figure_name}.svg"
        picture = ""
        if figure.exists():
            data = base64.b64encode(figure.read_bytes()).decode()
            picture = f'<img alt="{html.escape(repr(self))}" src="data:image/svg+xml;base64,{data}">'
        return f"<p>{html.escape(self._summary() or repr(self))}</p>{picture}"


class Fit(Output):
    """Estimates and their laws (l2m.fit)."""

    @property
    def laws(self) -> list[Law]:
        """The laws of all series that have one; the first is the headline."""
        return [_law(s) for s in self.document["series"] if "power" in s.get("law", {})]

    @property
    def law(self) -> Law:
        """The law of the headline estimator.

        Raises:
            Error: if there is none, saying why.

        """
        return _law(self.document["series"][0])

    @property
    def estimates(self) -> Any:
        """Every estimate, as a DataFrame of pandas or polars, whichever is there; columns as in docs/format.md."""
        return self.table()

    def plot(self, ax: Any = None) -> Any:
        """Draw the headline series, its 95 % intervals and its power law with matplotlib; return the axes."""
        if ax is None:
            ax = _module(["matplotlib.pyplot"], "figures of your own").subplots()[1]
        series = self.document["series"][0]
        points = series["points"]
        lengths = [p["length"] for p in points]
        nats = [p["nats"] for p in points]
        ends = [(p["nats"] - i["lo"], i["hi"] - p["nats"]) if (i := p.get("interval")) else (0, 0) for p in points]
        errors = [[max(0, e[k]) for e in ends] for k in (0, 1)]
        (line, *_) = ax.errorbar(lengths, nats, yerr=errors, fmt="o", capsize=2, label=series["estimator"])
        if "power" in series.get("law", {}):
            law = self.law
            used = [n for n, u in zip(lengths, series["law"].get("used", []), strict=False) if u] or lengths
            ends_of_law = [used[0], used[-1]]
            ax.plot(
                ends_of_law,
                [law.A.value * n**law.beta.value for n in ends_of_law],
                color=line.get_color(),
                label=f"{law.A.value:.3g} · L^{law.beta.value:.3g}",
            )
        unit = series.get("law", {}).get("law", {}).get("unit", "token")
        ax.set(xscale="log", yscale="log", xlabel=f"L ({unit}s)", ylabel=f"I(L/{series['ratio']}; L) (nats)")
        ax.legend()
        return ax

    def _summary(self) -> str:
        law = self.document["series"][0].get("law", {}) if self.document.get("series") else {}
        return str(law.get("reason", ""))


class Run(Fit):
    """A run directory of l2m measure."""

    def scores(self) -> Any:
        """Return every log-probability as a pyarrow.Table; columns as in docs/format.md."""
        return _module(["pyarrow.parquet"], "the scores of a run are a table of Arrow").read_table(self.path / "scores")


class Comparison(Output):
    """What models take from their past, compared (l2m.compare)."""

    document_name, table_name, figure_name = "compare.json", "compare.csv", "information"


class Audit(Output):
    """What architectures keep of the past, held against a law (l2m.audit)."""

    document_name, table_name, figure_name = "audit.json", "audit.csv", "states"

    @property
    def models(self) -> list[dict[str, Any]]:
        """The models, as in docs/audit.md."""
        return list(self.document["models"])


def _module(names: Sequence[str], what: str) -> Any:
    """Import the first of these modules that is there, rather one that has been imported already."""
    for name in sorted(names, key=lambda n: n not in sys.modules):
        try:
            return importlib.import_module(name)
        except ImportError:
            continue
    raise ImportError(f"{what}: pip install {' (or '.join(n.split('.')[0] for n in names)}{')' * (len(names) - 1)}")


def _frame(path: Path) -> Any:
    library = _module(["pandas", "polars"], f"{path} becomes a DataFrame")
    return library.read_csv(path, **({"infer_schema_length": None} if library.__name__ == "polars" else {}))
