"""Our devices in SAX, SAX's in ours."""

from __future__ import annotations

import importlib.util
import inspect
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from cpo_pdk.assemblies.writing import write_gds
from cpo_pdk.circuit.binding import ModelLike
from cpo_pdk.circuit.evaluation import Evaluator
from cpo_pdk.circuit.exchange import sax_netlist
from cpo_pdk.circuit.exchange.sax_models import from_sax, to_sax_models
from cpo_pdk.circuit.exchange.spectra import spectrum
from cpo_pdk.circuit.extraction import extract
from cpo_pdk.circuit.layout_file import read_layout
from cpo_pdk.circuit.leaves import leaf_factories
from cpo_pdk.components import add_drop_ring, straight
from cpo_pdk.errors import ModelError
from cpo_pdk.models import MODELS
from cpo_pdk.spec import load_sheets
from cpo_pdk.tech.gdsfactory_safe import gf

WL = np.linspace(1.30, 1.32, 31)
SHEETS = cast("dict[str, Any]", load_sheets())
LIBRARY = cast("dict[str, ModelLike]", dict(MODELS))
#: a Python that has SAX: this one, or one that is named
SAX_PYTHON = os.environ.get("CPO_SAX_PYTHON", sys.executable)
SAX_IS_THERE = "CPO_SAX_PYTHON" in os.environ or importlib.util.find_spec("sax") is not None


@pytest.fixture(scope="module")
def bus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    top = gf.Component("sax_bus")
    first, last = top << straight(length=7.0), top << straight(length=12.0)
    ring = top << add_drop_ring()
    first.connect("o2", ring.ports["o1"])
    last.connect("o2", ring.ports["o4"])
    top.add_port("o1", port=first.ports["o1"])
    top.add_port("o2", port=last.ports["o1"])
    top.add_port("o3", port=ring.ports["o2"])
    top.add_port("o4", port=ring.ports["o3"])
    return write_gds(top, tmp_path_factory.mktemp("sax") / "bus.gds")


def test_models_have_defaults_for_everything_and_two_lengths_are_two_models(bus: Path) -> None:
    netlists = extract(read_layout(bus), leaf_factories(SHEETS))
    models = to_sax_models(netlists, SHEETS, LIBRARY)
    assert len(models) == 3
    for function in models.values():
        parameters = inspect.signature(function).parameters
        assert all(p.default is not inspect.Parameter.empty for p in parameters.values())
        assert function(wl=WL)["o1", "o2"].shape == WL.shape
        with pytest.raises(ModelError, match="no setting 'lenght'"):
            function(wl=WL, lenght=3.0)
    lengths = sorted(inspect.signature(f).parameters["length"].default for n, f in models.items() if "straight" in n)
    assert lengths == [7.0, 12.0]
    used = {
        i["component"]
        for cell in sax_netlist.to_dict(netlists, by_cell=True).values()
        for i in cell["instances"].values()
    }
    assert used == set(models)
    assert any(
        "@TM" in b for f in to_sax_models(netlists, SHEETS, LIBRARY, multimode=True).values() for _, b in f(wl=WL)
    )


SCRIPT = """
import json, sys
import numpy as np, sax
from cpo_pdk.circuit.exchange import sax_netlist, sax_models
from cpo_pdk.circuit.extraction import extract
from cpo_pdk.circuit.layout_file import read_layout
from cpo_pdk.circuit.leaves import leaf_factories
from cpo_pdk.models import MODELS
from cpo_pdk.spec import load_sheets
sheets = load_sheets()
netlists = extract(read_layout(sys.argv[1]), leaf_factories(sheets))
models = sax_models.to_sax_models(netlists, sheets, MODELS)
circuit, _ = sax.circuit(sax_netlist.to_dict(netlists, by_cell=True), models=models)
found = circuit(wl=np.array(json.loads(sys.argv[2])))
print(json.dumps({">".join(k): [np.real(v).tolist(), np.imag(v).tolist()] for k, v in found.items()}))
"""


@pytest.mark.skipif(not SAX_IS_THERE, reason="SAX is not installed here")
def test_sax_takes_netlist_and_models_and_finds_the_same(bus: Path) -> None:
    file = read_layout(bus)
    command = [SAX_PYTHON, "-c", SCRIPT, str(bus), json.dumps(WL.tolist())]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    answer = json.loads(done.stdout.splitlines()[-1])
    table = spectrum(file, WL, SHEETS, LIBRARY)
    for a in ("o1", "o2", "o3", "o4"):
        for b in ("o1", "o2", "o3", "o4"):
            re, im = answer.get(f"{a}>{b}", (0.0, 0.0))
            ours = table.S[::-1, table.ports.index(b), table.ports.index(a)]
            assert np.allclose(np.asarray(re) + 1j * np.asarray(im), ours, atol=1e-10), (a, b)


class Jax:
    """An array of another library: numpy takes it through `__array__` alone."""

    def __init__(self, values: Any) -> None:
        self.values = np.asarray(values)

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return self.values.astype(dtype or self.values.dtype)


def coupler(*, wl: Any = 1.55, coupling: float = 0.3) -> dict[tuple[str, str], Any]:
    t, k = Jax(np.full(np.shape(wl), (1 - coupling) ** 0.5)), Jax(1j * coupling**0.5)
    pairs = {("in0", "out0"): t, ("in1", "out1"): t, ("in0", "out1"): k, ("in1", "out0"): k}
    return {**pairs, **{(b, a): v for (a, b), v in pairs.items()}}


PORTS = ("in0", "out0", "in1", "out1")


def test_a_sax_model_becomes_one_of_ours() -> None:
    model = from_sax("foreign_coupler", coupler, PORTS, ranges={"wl": (1.2, 1.7, "um"), "coupling": (0.0, 1.0, "1")})
    assert model.parameters == ("coupling",)
    matrix = Evaluator(WL).matrix("x", model, {"coupling": 0.1})
    assert matrix["in0", "out1"].shape == WL.shape
    assert np.allclose(np.abs(matrix["in0", "out1"]) ** 2, 0.1) and np.allclose(matrix["in0", "out0"], 0.9**0.5)


def test_modes_and_dense_matrices_of_sax_are_understood() -> None:
    def multimode(wl: Any = 1.55) -> Any:
        return {("a@TE", "b@TE"): 0.5, ("a@TM", "b@TM"): 0.25}

    matrix = from_sax("m", multimode, ("a", "b")).function(WL)
    assert set(matrix) == {("a", "b"), ("a@TM", "b@TM")}

    def dense(wl: Any = 1.55) -> Any:
        return np.ones((np.size(wl), 2, 2)) * np.array([[0, 0.5], [0.25, 0]]), {"a": 0, "b": 1}

    matrix = from_sax("d", dense, ("a", "b")).function(WL)
    assert np.allclose(matrix["a", "b"], 0.5) and np.allclose(matrix["b", "a"], 0.25)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (3.0, "answers with float"),
        ({"a,b": 1.0}, "a pair of ports needed"),
        ({("a", "z"): 0.1}, "answers for port 'z'"),
        ({("a", "b"): np.zeros(7)}, "for 31 wavelengths"),
        ({("a", "b"): 1.3}, "more light out than in"),
        ({("a", "b"): np.nan}, "not finite"),
    ],
)
def test_what_sax_would_swallow_is_refused(answer: Any, said: str) -> None:
    model = from_sax("wrong", lambda wl=1.55: answer, ("a", "b"))
    with pytest.raises(ModelError, match=said) as caught:
        Evaluator(WL).matrix("x", model, {})
    assert "\n" not in str(caught.value)


def test_functions_that_are_no_sax_models() -> None:
    with pytest.raises(ModelError, match="no argument 'wl'"):
        from_sax("f", lambda x=1: {}, ("a",))
    with pytest.raises(ModelError, match="argument 'x' has no default"):
        from_sax("f", lambda x, wl=1.5: {}, ("a",))
