import os
import signal
import stat
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import l2m
from l2m._command import call, flags


def script(folder: Path, name: str, body: str) -> str:
    """A program in the command's place."""
    path = folder / name
    path.write_text(f"#!{sys.executable}\n" + textwrap.dedent(body))
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def test_flags() -> None:
    assert flags({"max_context": 8, "fresh": True, "strict": False, "field": None, "config": ["a", Path("b")]}) == [
        "--max-context=8",
        "--fresh",
        "--strict=false",
        "--config=a",
        "--config=b",
    ]


def test_errors_are_the_words_of_the_command() -> None:
    with pytest.raises(l2m.Error) as failed:
        l2m.run("measure", "absent")
    said = subprocess.run([l2m.binary(), "measure", "absent"], capture_output=True, text=True, check=False)
    assert str(failed.value) == said.stderr.strip()
    assert "absent" in str(failed.value)
    assert failed.value.code == said.returncode == 1


def test_wrong_usage() -> None:
    with pytest.raises(
        l2m.Error, match=r"^l2m measure: unknown flag: --lenght\nRun 'l2m measure -h' for help\.$"
    ) as failed:
        l2m.measure("x", lenght=3)
    assert failed.value.code == 2


def test_a_path_is_no_flag() -> None:
    with pytest.raises(l2m.Error, match="--version"):
        l2m.measure("--version")


def test_progress_is_not_taken_for_the_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(
        "L2M_BINARY",
        script(
            tmp_path,
            "progress",
            """
        import sys
        print("model scores 3 tokens", file=sys.stderr)
        print("l2m measure: no: this", file=sys.stderr)
        print("  and that", file=sys.stderr)
        sys.exit(1)
    """,
        ),
    )
    with pytest.raises(l2m.Error, match=r"^l2m measure: no: this\n  and that$"):
        l2m.measure("x", quiet=False)
    assert capsys.readouterr().err.startswith("model scores 3 tokens\n")


def test_the_end_by_a_signal_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("L2M_BINARY", script(tmp_path, "killed", "import os; os.kill(os.getpid(), 9)"))
    with pytest.raises(l2m.Error, match="l2m model list ended with code -9") as failed:
        l2m.run("model", "list")
    assert failed.value.code == -9


def test_a_command_that_does_not_read_to_the_end(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(
        "L2M_BINARY", script(tmp_path, "deaf", "import sys; sys.stderr.write('l2m measure: enough\\n'); sys.exit(1)")
    )
    with pytest.raises(l2m.Error, match=r"^l2m measure: enough$"):
        l2m.measure("x" * 1000 for _ in range(10_000))


def test_a_failing_iterator_does_not_pass_for_the_end_of_the_texts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(
        "L2M_BINARY",
        script(
            tmp_path,
            "reader",
            """
        import signal, sys
        def stop(*_):
            open("stopped", "w").close()
            sys.exit(130)
        signal.signal(signal.SIGTERM, stop)
        sys.stdin.readline()
        sys.stdin.read()
        open("complete", "w").close()
    """,
        ),
    )

    def texts() -> Iterator[str]:
        yield "a text" * 100_000
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        l2m.measure(texts())
    assert not Path("complete").exists()


# A shell has what it starts in the background ignore SIGINT, and the command inherits that.
@pytest.mark.parametrize("ignored", [[], ["SIGINT"], ["SIGINT", "SIGTERM"]])
def test_a_failing_iterator_ends_the_command_whatever_is_ignored(ignored: list[str], command: str) -> None:
    program = textwrap.dedent(f"""
        import signal
        import l2m
        for name in {ignored}:
            signal.signal(getattr(signal, name), signal.SIG_IGN)
        l2m.measure(["a text", 3])
    """)
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "L2M_BINARY": command}
    done = subprocess.run([sys.executable, "-c", program], env=env, capture_output=True, text=True, timeout=300)
    assert done.returncode == 1
    assert "TypeError: int among texts" in done.stderr


# Ctrl-C in a terminal reaches Python and, were it in the same group, the command; the command must hear of it once
# and put its work away; the same call continues.
def test_interrupt_keeps_the_run(tmp_path: Path, command: str) -> None:
    program = textwrap.dedent("""
        import signal
        import l2m
        signal.signal(signal.SIGINT, signal.default_int_handler)  # as in a terminal, wherever the tests run
        texts = (f"document {i} says so again. " * 20_000 for i in range(8))
        l2m.measure(texts, model="bytemix:universal", length=16384, cross=7, out="run")
    """)
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "L2M_BINARY": command}
    with subprocess.Popen(
        [sys.executable, "-c", program], env=env, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as python:
        while not list(Path("run").glob("scores/part-*")):
            assert python.poll() is None, python.communicate()
            time.sleep(0.01)
        os.killpg(python.pid, signal.SIGINT)
        said = python.communicate()[1]
    assert python.returncode == -signal.SIGINT
    assert "KeyboardInterrupt" in said
    assert "l2m measure: interrupted: what was scored is kept in run: the same command continues" in said
    assert list(Path("run").glob("scores/part-*"))
    assert not Path("run/results.json").exists()


@pytest.mark.parametrize("scheme", ["environment", "path"])
def test_where_the_command_is_found(scheme: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found = script(tmp_path, "l2m", "print('found')")
    if scheme == "environment":
        monkeypatch.setenv("L2M_BINARY", found)
    else:
        monkeypatch.delenv("L2M_BINARY")
        monkeypatch.setattr("sysconfig.get_path", lambda *_, **__: "/nonexistent")
        monkeypatch.setenv("PATH", str(tmp_path))
    assert l2m.binary() == found
    if scheme == "path":
        monkeypatch.setenv("PATH", "/nonexistent")
        with pytest.raises(FileNotFoundError, match="L2M_BINARY"):
            l2m.binary()


def test_python_m_l2m(command: str) -> None:
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    out = subprocess.run(
        [sys.executable, "-m", "l2m", "--version"], env=env, capture_output=True, text=True, check=True
    )
    assert out.stdout.startswith("l2m ")


def test_output_is_a_file_of_bytes() -> None:
    with call(["process", "sample"], ["markov"], {"length": 5}) as out:
        assert out.read().count(b"\n") == 1
