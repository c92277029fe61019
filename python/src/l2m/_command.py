"""Runs the command: where it is, how options become flags, and what becomes of its errors."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import sysconfig
import tempfile
import threading
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import IO, TypeAlias

Scalar: TypeAlias = str | int | float | bool | os.PathLike[str] | None
Option: TypeAlias = Scalar | Sequence[Scalar]


class Error(Exception):
    """What the command said when it failed.

    Attributes:
        command: the command line.
        code: its exit code: 1 failed, 2 wrong usage; negative: ended by that signal.

    """

    def __init__(self, words: str, command: Sequence[str], code: int) -> None:
        super().__init__(words)
        self.command = list(command)
        self.code = code


def binary() -> str:
    """Return the path of the command.

    The environment variable L2M_BINARY names it; else it is the one that this package was installed with, or
    that of PATH.

    Raises:
        FileNotFoundError: if there is none.

    """
    if named := os.environ.get("L2M_BINARY"):
        return named
    name = "l2m" + (sysconfig.get_config_var("EXE") or "")
    user = sysconfig.get_path("scripts", scheme=sysconfig.get_preferred_scheme("user"))
    # pip install --target puts scripts into bin beside the package.
    for folder in (sysconfig.get_path("scripts"), user, Path(__file__).parents[1] / "bin"):
        if (path := Path(folder, name)).is_file():
            return str(path)
    import shutil

    if path_of := shutil.which(name):
        return path_of
    raise FileNotFoundError("the command l2m is not installed beside this package, nor in PATH; L2M_BINARY can name it")


def flags(options: Mapping[str, Option]) -> list[str]:
    """Write options as flags: max_context=100 is --max-context=100, True a switch, a list one flag for each item."""
    words = []
    for key, value in options.items():
        name = "--" + key.replace("_", "-")
        values = value if isinstance(value, Sequence) and not isinstance(value, str) else [value]
        for v in values:
            if v is True:
                words.append(name)
            elif v is False:
                words.append(name + "=false")
            elif v is not None:
                words.append(f"{name}={os.fspath(v) if isinstance(v, os.PathLike) else v}")
    return words


def call(
    verb: Sequence[str],
    arguments: Sequence[str | os.PathLike[str]] = (),
    options: Mapping[str, Option] | None = None,
    *,
    lines: Iterable[bytes] | None = None,
    show: bool = False,
) -> IO[bytes]:
    """Run the command, and return a file of what it printed.

    Args:
        verb: such as ["process", "sample"].
        arguments: what follows the flags.
        options: see flags.
        lines: what it reads on standard input.
        show: pass what it says of its progress on to sys.stderr.

    Raises:
        Error: if it fails, with its words.
        KeyboardInterrupt: after Ctrl-C, once the command has put its work away; the note says where.

    """
    command = [binary(), *verb, *flags(options or {})]
    if arguments:
        command += ["--", *(os.fspath(a) for a in arguments)]
    out = tempfile.TemporaryFile()  # noqa: SIM115 (it is what is returned)
    try:
        code, said = _run(command, out, lines, show)
    except BaseException:
        out.close()
        raise
    if code != 0:
        out.close()
        raise Error(said or f"l2m {' '.join(verb)} ended with code {code}", command, code)
    out.seek(0)
    return out


def _run(command: Sequence[str], out: IO[bytes], lines: Iterable[bytes] | None, show: bool) -> tuple[int, str]:
    """Run command; return its exit code and its last words."""
    # In a group of its own, the child hears of Ctrl-C from here alone: a second signal would end it at once.
    child = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL if lines is None else subprocess.PIPE,
        stdout=out,
        stderr=subprocess.PIPE,
        process_group=None if os.name == "nt" else 0,
        creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
    )
    words = _Words(child.stderr, show)
    try:
        with contextlib.suppress(BrokenPipeError):  # of a child that fails before it has read everything
            if child.stdin and lines is not None:
                child.stdin.writelines(lines)
                child.stdin.close()
        code = child.wait()
    except BaseException as stopped:
        # Before its input ends: it must not take what it has read for the whole.
        _stop(child)
        child.wait()
        if last := words.last():
            stopped.add_note(last)
        raise
    finally:
        if child.stdin:
            with contextlib.suppress(BrokenPipeError):
                child.stdin.close()
    return code, words.last()


def _stop(child: subprocess.Popen[bytes]) -> None:
    """Have a child put its work away and end, as after Ctrl-C."""
    if os.name == "nt":
        child.send_signal(getattr(signal, "CTRL_BREAK_EVENT"))  # noqa: B009 (other systems do not have it)
    # A child inherits which signals are ignored: shells have SIGINT ignored by what they start in the background.
    elif signal.getsignal(signal.SIGTERM) == signal.SIG_IGN:
        child.kill()
    else:
        child.terminate()


class _Words(threading.Thread):
    """Reads what the command says on standard error."""

    def __init__(self, stream: IO[bytes] | None, show: bool) -> None:
        super().__init__(daemon=True)
        self.stream, self.show, self.said = stream, show, list[str]()
        self.start()

    def run(self) -> None:
        for line in self.stream or ():
            self.said.append(line.decode(errors="replace"))
            if self.show:
                sys.stderr.write(self.said[-1])

    def last(self) -> str:
        """Return the message that the command ended with: from the first line on that begins with its name."""
        self.join()
        start = min((i for i, line in enumerate(self.said) if line.startswith("l2m ")), default=0)
        return "".join(self.said[start:]).strip()
