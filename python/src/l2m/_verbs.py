"""The verbs of the command as functions."""

from __future__ import annotations

import itertools
import json
import os
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from ._arrays import is_integers, rows_as_bytes, save, table
from ._command import Option, call
from ._results import Audit, Comparison, Fit, Output, Run

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

PathLike: TypeAlias = str | os.PathLike[str]
_Output = TypeVar("_Output", bound=Output)


def run(*words: str, **options: Option) -> str:
    """Run any verb of the command, and return what it prints, as in l2m.run("model", "list").

    Options become flags, here and in all functions of this package: max_context=100 is --max-context=100, True is
    a switch, None leaves a flag out, and a list gives one flag for each item.

    Raises:
        Error: if the command fails, with its words.

    """
    with call(words, options=options) as out:
        return out.read().decode()


def measure(*data: PathLike | Iterable[str] | Iterable[PathLike] | NDArray[Any], **options: Option) -> Run:
    """Measure how information grows with length.

    Args:
        data: paths of files and folders; or one iterable of texts, each a document, which may be too many for the
            memory; or one array of tokens below 256, a document in each row; or nothing, with the option process
            or logprobs. Strings in an iterable are texts: write Path("books") for paths in a list.
        options: the flags of l2m measure. Without out, the run directory is that of the command for paths, and a
            new one, l2m-run-…, in the working directory for texts and arrays. quiet=False shows the progress.

    Returns:
        the run, which keeps its directory.

    Raises:
        Error: if the command fails, with its words.
        KeyboardInterrupt: after Ctrl-C. What was scored is kept: the same call continues, of texts and arrays one
            that names the directory by out.

    """
    if len(data) == 1 and is_integers(data[0]):
        with tempfile.TemporaryDirectory() as folder:
            for i, row in enumerate(rows_as_bytes(data[0])):
                Path(folder, f"{i:09}").write_bytes(row)
            return _measure([folder], {"format": "bytes", **options}, fresh=True)
    if len(data) == 1 and not isinstance(data[0], str | os.PathLike):
        first, texts = _peek(iter(data[0]))
        if not isinstance(first, os.PathLike):
            return _measure(["-"], {"format": "jsonl", **options}, fresh=True, lines=map(_record, texts))
        data = tuple(texts)
    return _measure([_path(p) for p in data], options)


def logprobs(data: PathLike | ArrayLike | Mapping[str, ArrayLike], **options: Option) -> Run:
    """Measure from log-probabilities that any model gave.

    Args:
        data: an array (windows, L); or arrays by name, as in docs/pytorch.md: logprobs, marginal_2, marginal_4, …,
            cross_2, …, partners, document, tokens, bytes; or the path of a file of them, which is not copied.
        options: the flags of l2m measure --logprobs, such as bits=True.

    """
    import numpy as np

    if isinstance(data, str | os.PathLike):
        return _measure([], {"logprobs": data, **options})
    with tempfile.TemporaryDirectory() as folder:
        if isinstance(data, Mapping):
            file = Path(folder, "logprobs.npz")
            save(file, data)
        else:
            file = Path(folder, "logprobs.npy")
            np.save(file, np.asarray(data))
        return _measure([], {"logprobs": file, **options}, fresh=True)


def fit(*estimates: Any, **options: Option | NDArray[Any]) -> Fit:
    """Fit laws to estimates that were made elsewhere.

    Args:
        estimates: the path of a table; or a DataFrame or a mapping with its columns; or two or three arrays: lengths,
            estimates in nats, and their standard errors; or one array with these as its columns.
        options: the flags of l2m fit; covariance may be an array.

    """
    covariance: Any = options.get("covariance")
    with tempfile.TemporaryDirectory() as folder:
        given: dict[str, Any] = dict(options)
        if covariance is not None and not isinstance(covariance, str | os.PathLike):
            given["covariance"] = Path(folder, "covariance.csv")
            given["covariance"].write_bytes(b"".join(table(covariance)))
        if len(estimates) == 1 and isinstance(estimates[0], str | os.PathLike):
            return _into(Fit, "fit", [_path(estimates[0])], given)
        if len(estimates) == 1 and getattr(estimates[0], "ndim", 0) == 2 and not hasattr(estimates[0], "columns"):
            estimates = tuple(estimates[0].T)
        if len(estimates) == 1:
            names = list(estimates[0].keys() if hasattr(estimates[0], "keys") else estimates[0].columns)
            columns = [estimates[0][name] for name in names]
        else:
            names, columns = ["length", "nats", "se"][: len(estimates)], list(estimates)
        return _into(Fit, "fit", ["-"], given, lines=table(zip(*columns, strict=True), names))


def compare(*runs: PathLike, **options: Option) -> Comparison:
    """Compare runs of measure with the first of them; options are the flags of l2m compare."""
    return _into(Comparison, "compare", [_path(r) for r in runs], options)


def audit(*configs: Any, **options: Option) -> Audit:
    """Compute what architectures keep of the past, and whether that is enough for a law.

    Args:
        configs: paths of config.json or GGUF files or folders, dictionaries, or configurations of transformers.
        options: the flags of l2m audit; law may be a Run.

    """
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for i, config in enumerate(configs):
            if isinstance(config, str | os.PathLike):
                paths.append(_path(config))
                continue
            # Without use_diff, transformers leaves out what is as in the class of the configuration.
            text = json.dumps(config) if isinstance(config, Mapping) else config.to_json_string(use_diff=False)
            kind = re.sub(r"\W", "", str(json.loads(text).get("model_type", ""))) or "config"
            file = Path(folder, f"{kind}-{i + 1}.json" if len(configs) > 1 else f"{kind}.json")
            file.write_text(text, encoding="utf-8")
            paths.append(str(file))
        return _into(Audit, "audit", paths, options)


def _measure(
    paths: list[str], options: Mapping[str, Option], *, fresh: bool = False, lines: Iterable[bytes] | None = None
) -> Run:
    """Measure; fresh says that no earlier command can have measured the same."""
    flags: dict[str, Option] = {"quiet": True, **options}
    if fresh and flags.get("out") is None:
        flags["out"] = "l2m-run-" + os.urandom(4).hex()
    with call(["measure"], paths, {**flags, "print_dir": True}, lines=lines, show=flags["quiet"] is False) as out:
        printed = out.read().decode().removesuffix("\n")
    given = flags.get("out")
    return Run(given if isinstance(given, str | os.PathLike) else printed)


def _into(
    kind: type[_Output],
    verb: str,
    arguments: list[str],
    options: Mapping[str, Any],
    lines: Iterable[bytes] | None = None,
) -> _Output:
    """Run a verb that writes a directory: that of the option out, or a temporary one."""
    temporary, flags = None, dict(options)
    if flags.get("out") is None:
        temporary = tempfile.TemporaryDirectory(prefix="l2m-")
        flags = {"figures": "svg", **flags, "out": temporary.name}
    call([verb], arguments, flags, lines=lines).close()
    return kind(flags["out"], temporary=temporary)


def _path(p: Any) -> str:
    if not isinstance(p, str | os.PathLike):
        raise TypeError(f"{type(p).__name__} among paths")
    return os.fspath(p)


def _peek(texts: Iterator[Any]) -> tuple[Any, Iterator[Any]]:
    """Return the first, and all."""
    first = next(texts, None)
    if first is None:
        raise ValueError("no documents")
    if isinstance(first, str) and len(first) < 256 and os.path.exists(first):
        raise ValueError(f"{first!r} would be a text; for the path in a list write Path({first!r})")
    return first, itertools.chain([first], texts)


def _record(text: Any) -> bytes:
    if not isinstance(text, str):
        raise TypeError(f"{type(text).__name__} among texts")
    return json.dumps({"text": text}).encode() + b"\n"
