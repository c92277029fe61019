"""How fast the information that the past of a sequence carries about its future grows with length.

Everything is done by the command l2m, which this package brings along: options are its flags, errors are its words.

    import l2m

    run = l2m.measure("books/", out="run")
    print(run.law.beta)

See docs/python.md.
"""

from ._command import Error, binary
from ._process import Gap, Process, Truth
from ._results import Audit, Comparison, Estimate, Fit, Interval, Law, Run
from ._verbs import audit, compare, fit, logprobs, measure, run

process = Process

__all__ = [
    "Audit",
    "Comparison",
    "Error",
    "Estimate",
    "Fit",
    "Gap",
    "Interval",
    "Law",
    "Process",
    "Run",
    "Truth",
    "audit",
    "binary",
    "compare",
    "fit",
    "logprobs",
    "measure",
    "process",
    "run",
]


def __getattr__(name: str) -> str:
    """Look the version up when it is asked for: that takes longer than all the rest."""
    if name != "__version__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("l2m-lab")
    except PackageNotFoundError:  # a checkout
        return "0+unknown"
