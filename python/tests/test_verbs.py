import html
import json
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import l2m
from l2m._command import Option, flags

WORDS = "the of and memory length a model reads past future grows token law".split()


def text(seed: int, words: int = 1500) -> str:
    rng = random.Random(seed)
    return " ".join(rng.choice(WORDS) for _ in range(words))


SMALL: dict[str, Option] = {
    "length": 128,
    "windows": 24,
    "draws": 100,
    "training_bytes": 20000,
    "two_point_bytes": 20000,
    "figures": "svg",
}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> l2m.Run:
    out = tmp_path_factory.mktemp("runs") / "run"
    return l2m.measure((text(i) for i in range(12)), out=out, **SMALL)


def test_texts_are_measured_as_the_command_does(run: l2m.Run, tmp_path: Path) -> None:
    lines = "".join(json.dumps({"text": text(i)}) + "\n" for i in range(12)).encode()
    command = [l2m.binary(), "measure", "-", "--format=jsonl", "--out=piped", *flags(SMALL)]
    subprocess.run(command, input=lines, capture_output=True, check=True)
    assert l2m.Run("piped").document["series"] == run.document["series"]
    file = tmp_path / "texts.jsonl"
    file.write_bytes(lines)
    again = l2m.measure(file, **SMALL)
    assert again.path.parent == Path(), "the command names the directory, in the working directory"
    # Paths have a directory that their command finds again.
    assert l2m.measure(file, **SMALL).path == again.path


def test_paths_in_a_list(tmp_path: Path) -> None:
    for i in range(4):
        (tmp_path / f"{i}.txt").write_text(text(i))
    run = l2m.measure([tmp_path / f"{i}.txt" for i in range(4)], **SMALL)
    assert run.document["corpus"]["documents"] == 4
    with pytest.raises(ValueError, match=r"write Path\('0.txt'\)"):
        l2m.measure(["0.txt", "1.txt"], **SMALL)


def test_tokens_in_an_array(tmp_path: Path) -> None:
    tokens = np.random.default_rng(1).integers(0, 200, (12, 3000))
    run = l2m.measure(tokens, **SMALL)
    assert l2m.measure(tokens, out=run, **SMALL).path == run.path, "the same tokens continue a run"
    folder = tmp_path / "folder"
    folder.mkdir()
    for i, row in enumerate(tokens):
        (folder / f"{i:09}").write_bytes(bytes(row.tolist()))
    assert run.document["loss"] == l2m.measure(folder, format="bytes", **SMALL).document["loss"]
    with pytest.raises(ValueError, match="tokens from 0 to 256"):
        l2m.measure(np.array([[0, 256]]))
    with pytest.raises(ValueError, match="shape"):
        l2m.measure(np.zeros((2, 0), dtype=int))


def test_runs_of_texts_have_directories_of_their_own() -> None:
    a = l2m.measure((text(i) for i in range(12)), **SMALL)
    b = l2m.measure((text(i + 50) for i in range(12)), **SMALL)
    assert a.path != b.path
    assert a.path.parent == Path()


def test_what_is_no_text() -> None:
    with pytest.raises(ValueError, match="no documents"):
        l2m.measure(iter([]))
    with pytest.raises(TypeError, match="int among texts"):
        l2m.measure([text(1), 3])  # type: ignore[list-item]
    with pytest.raises(TypeError, match="int among paths"):
        l2m.measure("a", 3)  # type: ignore[arg-type]


def test_law(run: l2m.Run) -> None:
    found = run.document["series"][0]["law"]
    law = run.law
    assert {"A": law.A.value, "beta": float(law.beta)} == {p["name"]: p["value"] for p in found["power"]["params"]}
    assert law.beta.interval is not None
    assert law.beta.interval.lo < law.beta.value < law.beta.interval.hi
    assert str(law) == found["reason"]
    assert law.estimator == "paired"
    assert [x.document for x in run.laws] == [s["law"] for s in run.document["series"] if "power" in s.get("law", {})]


def test_no_law_is_an_error_that_says_why() -> None:
    nothing = l2m.fit([4, 8, 16, 32], [0.0, -0.1, 0.0, -0.1], [0.1, 0.1, 0.1, 0.1])
    assert nothing.laws == []
    with pytest.raises(l2m.Error, match="Nothing measurable"):
        _ = nothing.law


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_estimates(run: l2m.Run, library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module = pytest.importorskip(library)
    for other in {"pandas", "polars"} - {library}:
        monkeypatch.delitem(sys.modules, other, raising=False)
    frame = run.estimates
    assert isinstance(frame, module.DataFrame)
    with (run.path / "estimates.csv").open() as f:
        assert len(frame) == len(f.readlines()) - 1
    assert {"estimator", "length", "nats", "se"} <= set(frame.columns)


def test_scores(run: l2m.Run) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    scores = run.scores()
    assert isinstance(scores, pyarrow.Table)
    joint = [r for r in scores.select(["window", "pass", "logprob"]).to_pylist() if r["pass"] == "joint"]
    assert sorted(r["window"] for r in joint) == list(range(24))
    loss = -np.mean([r["logprob"] for r in joint])
    assert loss == pytest.approx(run.document["loss"]["nats_per_token"], rel=1e-6)


def test_plot_and_display(run: l2m.Run) -> None:
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    ax = run.plot()
    points = run.document["series"][0]["points"]
    (drawn,) = (line for line in ax.lines if line.get_marker() == "o")
    assert list(drawn.get_xdata()) == [p["length"] for p in points]
    page = run._repr_html_()
    assert "data:image/svg+xml;base64," in page
    assert html.escape(run.law.reason) in page


def test_logprobs(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    values = np.log(rng.uniform(0.01, 1, (40, 64)))
    run = l2m.logprobs(values, draws=100, figures="svg")
    assert run.document["loss"]["nats_per_token"] == pytest.approx(-values.mean(), rel=1e-6)
    named = l2m.logprobs({"logprobs": values, "document": np.arange(40) // 2}, draws=100, figures="svg")
    assert named.document["windows"]["documents"] == 20
    assert l2m.logprobs(values, out=run, draws=100, figures="svg").document["series"] == run.document["series"]
    file = tmp_path / "values.npy"
    np.save(file, values)
    assert l2m.logprobs(file, draws=100, figures="svg").document["series"] == run.document["series"]
    with pytest.raises(l2m.Error, match="NaN"):
        l2m.logprobs(np.where(values < -4, np.nan, values))
    with pytest.raises(l2m.Error, match="logprob_s"):
        l2m.logprobs({"logprob_s": values})


def test_fit(tmp_path: Path) -> None:
    lengths = 4 * 2 ** np.arange(9)
    nats = 1.5 * lengths**0.7
    law = l2m.fit(lengths, nats, 0.01 * nats).law
    assert float(law.beta) == pytest.approx(0.7, abs=1e-6)
    assert float(law.A) == pytest.approx(1.5, rel=1e-6)
    table = tmp_path / "points.csv"
    table.write_text("length,nats\n" + "".join(f"{n},{x!r}\n" for n, x in zip(lengths, nats.tolist(), strict=True)))
    of_file = l2m.fit(table, out="points")
    assert of_file.law.document["power"] == l2m.fit({"length": lengths, "nats": nats}).law.document["power"]
    assert Path("points/report.html").exists()
    columns = np.column_stack([lengths, nats, 0.01 * nats])
    assert l2m.fit(columns).law.document == l2m.fit(lengths, nats, 0.01 * nats).law.document
    covariance = np.diag((0.01 * nats) ** 2)
    errors = l2m.fit(lengths, nats, covariance=covariance).document["series"][0]
    assert errors["points"][0]["se"] == pytest.approx(0.01 * nats[0])
    with pytest.raises(l2m.Error, match="length"):
        l2m.fit({"x": [1, 2], "y": [3, 4]})


def test_fit_takes_a_frame_of_estimates(run: l2m.Run) -> None:
    pytest.importorskip("pandas")
    again = l2m.fit(run.estimates, series="paired/2")
    assert [p["nats"] for p in again.document["series"][0]["points"]] == [
        p["nats"] for p in run.document["series"][0]["points"]
    ]


def test_temporary_directories_go_with_their_result() -> None:
    found = l2m.fit([4, 8, 16], [1.0, 2.0, 4.0])
    path = found.path
    assert path.exists()
    del found
    assert not path.exists()


def test_compare(run: l2m.Run) -> None:
    cut = l2m.measure((text(i) for i in range(12)), context=16, **SMALL)
    comparison = l2m.compare(run, cut, draws=100)
    assert [r["run"] for r in comparison.document["runs"]] == [str(run.path), str(cut.path)]
    assert "svg" in comparison._repr_html_()
    with pytest.raises(l2m.Error, match="two or more"):
        l2m.compare(run)


CONFIG = {
    "model_type": "llama",
    "num_hidden_layers": 4,
    "hidden_size": 64,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
}


def test_audit(tmp_path: Path, run: l2m.Run) -> None:
    file = tmp_path / "config.json"
    file.write_text(json.dumps(CONFIG))
    of_file = l2m.audit(file)
    found = l2m.audit(CONFIG, {**CONFIG, "num_hidden_layers": 8}, law=run, bytes_per_token=4.4)
    assert [m["name"] for m in found.models] == ["llama-1", "llama-2"]
    assert found.models[0]["states"] == of_file.models[0]["states"]
    # Keys and values of 4 layers, 2 heads of 16, for each of the 1024 tokens.
    assert found.models[0]["states"][0]["elements"]["kv"] == 2 * 4 * 2 * 16 * 1024
    assert "svg" in found._repr_html_()
    with pytest.raises(l2m.Error, match="no_such"):
        l2m.audit({"model_type": "no_such"})


def test_audit_takes_a_configuration_of_transformers() -> None:
    transformers = pytest.importorskip("transformers")
    config = transformers.LlamaConfig(num_hidden_layers=4, hidden_size=64, num_attention_heads=4, num_key_value_heads=2)
    assert l2m.audit(config).models[0]["states"] == l2m.audit(CONFIG).models[0]["states"]


def test_process() -> None:
    process = l2m.process("hierarchical:c=3")
    x = process.sample(3, 64, seed=5)
    assert x.shape == (3, 64)
    assert x.dtype == np.float64
    assert (process.sample(2, 64, seed=5) == x[:2]).all(), "sample i depends on the seed and i alone"
    truth = process.truth(length=256)
    assert truth.lengths[-1] == 256
    # I(L/2; L) grows by the base to the power of β from one power of the base, 4, to the next.
    at = dict(zip(truth.lengths.tolist(), truth.nats.tolist(), strict=True))
    assert at[256] / at[64] == pytest.approx(3)
    assert l2m.process("hierarchical", c=3).spec == process.spec
    assert l2m.process("markov").sample(2, 8).dtype == np.uint32
    with pytest.raises(l2m.Error, match="hierarchcal"):
        l2m.process("hierarchcal")


def test_gap() -> None:
    # x_t given the past is N(x_{t-1}/2, 3/4); the divergence of a law twice as wide is ln 2 + 1/8 − 1/2.
    process = l2m.process("pacf", alpha=0.5)
    x = process.sample(20, 16)
    mean = np.pad(x[:, :-1] / 2, ((0, 0), (1, 0)))
    deviation = np.full_like(x, np.sqrt(3 / 4))
    deviation[:, 0] = 1
    found = process.gap(x, mean=mean, deviation=2 * deviation)
    assert found.document["evaluations"][0]["by_position"] == pytest.approx([np.log(2) + 1 / 8 - 1 / 2] * 16)
    assert found.page.startswith("<!DOCTYPE html>")


def test_what_is_missing_is_named(run: l2m.Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("pandas", "polars", "pyarrow.parquet", "matplotlib.pyplot"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ImportError, match=r"pip install pandas \(or polars\)$"):
        _ = run.estimates
    with pytest.raises(ImportError, match=r"pip install pyarrow$"):
        run.scores()
    with pytest.raises(ImportError, match=r"pip install matplotlib$"):
        run.plot()
