"""The solver against closed forms and against dense linear algebra."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpo_pdk.circuit.solver import compile_circuit
from cpo_pdk.errors import ModelError

WL = np.linspace(1.30, 1.32, 401)


def guide(length: float, neff: float = 2.5, loss_dB_cm: float = 3.0, wl: np.ndarray = WL) -> dict:
    t = 10 ** (-loss_dB_cm * length * 1e-4 / 20) * np.exp(2j * np.pi * neff * length / wl)
    return {("o1", "o2"): t, ("o2", "o1"): t}


def coupler(power: float, wl: np.ndarray = WL) -> dict:
    """o1 SW, o2 NW, o3 NE, o4 SE: o1>o4 and o2>o3 straight on."""
    t = np.full(wl.shape, np.sqrt(1 - power), complex)
    k = np.full(wl.shape, 1j * np.sqrt(power))
    straight = {("o1", "o4"): t, ("o2", "o3"): t, ("o1", "o3"): k, ("o2", "o4"): k}
    return {**straight, **{(b, a): v for (a, b), v in straight.items()}}


def solve(values: dict, connections: list, exposed: dict, **options) -> dict:
    return compile_circuit(values, connections, exposed, **options).solve(values)


def dense(values: dict, connections: list, exposed: dict) -> dict:
    """The same by solving (1 - S C) b = S a for every wavelength, with all ports."""
    ports = sorted({(name, port) for name, s in values.items() for pair in s for port in pair})
    index = {port: i for i, port in enumerate(ports)}
    shape = np.broadcast_shapes(*(v.shape for s in values.values() for v in s.values()))
    s_all = np.zeros((*shape, len(ports), len(ports)), complex)
    for name, s in values.items():
        for (a, b), v in s.items():
            s_all[..., index[name, b], index[name, a]] = v
    c = np.zeros((len(ports), len(ports)))
    for a, b in connections:
        c[index[a], index[b]] = c[index[b], index[a]] = 1
    out = np.linalg.solve(np.eye(len(ports)) - s_all @ c, s_all)
    return {(p, q): out[..., index[exposed[q]], index[exposed[p]]] for p in exposed for q in exposed}


def test_ring_from_coupler_and_loop_is_the_closed_form() -> None:
    values = {"dc": coupler(0.08), "loop": guide(31.4)}
    s = solve(
        values, [(("dc", "o3"), ("loop", "o1")), (("loop", "o2"), ("dc", "o2"))], {"a": ("dc", "o1"), "b": ("dc", "o4")}
    )
    t, x = np.sqrt(0.92), values["loop"]["o1", "o2"]
    np.testing.assert_allclose(s["a", "b"], (t - x) / (1 - t * x), atol=1e-13)
    assert ("a", "a") not in s


def test_add_drop_ring_is_the_closed_form() -> None:
    values = {"c1": coupler(0.1), "c2": coupler(0.07), "h1": guide(15.0), "h2": guide(17.0)}
    links = [
        (("c1", "o3"), ("h1", "o1")),
        (("h1", "o2"), ("c2", "o1")),
        (("c2", "o4"), ("h2", "o1")),
        (("h2", "o2"), ("c1", "o2")),
    ]
    s = solve(values, links, {"in": ("c1", "o1"), "thru": ("c1", "o4"), "drop": ("c2", "o3")})
    t1, t2, k1, k2 = np.sqrt(0.9), np.sqrt(0.93), 1j * np.sqrt(0.1), 1j * np.sqrt(0.07)
    x1, x2 = values["h1"]["o1", "o2"], values["h2"]["o1", "o2"]
    loop = 1 - t1 * t2 * x1 * x2
    np.testing.assert_allclose(s["in", "thru"], t1 + k1**2 * t2 * x1 * x2 / loop, atol=1e-13)
    np.testing.assert_allclose(s["in", "drop"], k1 * k2 * x1 / loop, atol=1e-13)


def test_mach_zehnder_is_the_closed_form() -> None:
    values = {"in": coupler(0.5), "up": guide(50.0), "low": guide(80.0), "out": coupler(0.5)}
    links = [
        (("in", "o3"), ("up", "o1")),
        (("in", "o4"), ("low", "o1")),
        (("up", "o2"), ("out", "o2")),
        (("low", "o2"), ("out", "o1")),
    ]
    s = solve(values, links, {"a": ("in", "o1"), "bar": ("out", "o4"), "cross": ("out", "o3")})
    up, low = values["up"]["o1", "o2"], values["low"]["o1", "o2"]
    np.testing.assert_allclose(s["a", "bar"], 0.5 * (low - up), atol=1e-13)
    np.testing.assert_allclose(s["a", "cross"], 0.5j * (low + up), atol=1e-13)


@st.composite
def circuits(draw: st.DrawFn) -> tuple[dict, list, dict]:
    """Random passive devices of 1 to 4 ports, half of the ports joined at random, some elements missing."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    count = draw(st.integers(1, 9))
    values: dict = {}
    free: list = []
    for number in range(count):
        ports = draw(st.integers(1, 4))
        matrix = rng.normal(size=(5, ports, ports)) + 1j * rng.normal(size=(5, ports, ports))
        matrix *= rng.random((ports, ports)) < draw(st.sampled_from([0.4, 0.8, 1.0]))
        top = np.linalg.norm(matrix, 2, axis=(1, 2)).max()
        matrix *= 0.95 / top if top else 1
        name = f"x{number}"
        values[name] = {
            (f"o{i + 1}", f"o{j + 1}"): matrix[:, j, i]
            for i in range(ports)
            for j in range(ports)
            if np.any(matrix[:, j, i]) or i == j == 0
        }
        free += [(name, port) for port in sorted({p for pair in values[name] for p in pair})]
    rng.shuffle(free)
    free = [(str(a), str(b)) for a, b in free]
    joints = draw(st.integers(0, len(free) // 2))
    links = [(free[2 * i], free[2 * i + 1]) for i in range(joints)]
    exposed = {f"p{i}": ref for i, ref in enumerate(free[2 * joints :])}
    return values, links, exposed


@settings(max_examples=300, deadline=None)
@given(circuits())
def test_random_circuits_with_loops_are_the_dense_solution(circuit: tuple[dict, list, dict]) -> None:
    values, links, exposed = circuit
    s = solve(values, links, exposed)
    expected = dense(values, links, exposed)
    for pair, value in expected.items():
        np.testing.assert_allclose(s.get(pair, 0.0), value, atol=1e-10)
    if exposed:
        matrix = np.array([[np.broadcast_to(s.get((p, q), 0), (5,)) for p in exposed] for q in exposed])
        assert np.linalg.norm(np.moveaxis(matrix, 2, 0), 2, axis=(1, 2)).max() <= 1 + 1e-10


@settings(max_examples=60, deadline=None)
@given(circuits(), st.data())
def test_wanted_pairs_are_the_same_numbers(circuit: tuple[dict, list, dict], data: st.DataObject) -> None:
    values, links, exposed = circuit
    if not exposed:
        return
    inputs = data.draw(st.lists(st.sampled_from(sorted(exposed)), min_size=1, unique=True))
    outputs = data.draw(st.lists(st.sampled_from(sorted(exposed)), min_size=1, unique=True))
    everything = solve(values, links, exposed)
    some = solve(values, links, exposed, inputs_wanted=inputs, outputs_wanted=outputs)
    assert set(some) == {pair for pair in everything if pair[0] in inputs and pair[1] in outputs}
    for pair, value in some.items():
        np.testing.assert_allclose(value, everything[pair], atol=1e-12)


@settings(max_examples=60, deadline=None)
@given(circuits())
def test_reciprocal_devices_make_a_reciprocal_circuit(circuit: tuple[dict, list, dict]) -> None:
    values, links, exposed = circuit
    both = {
        name: {pair: 0.5 * (s.get(pair, 0) + s.get(pair[::-1], 0)) for pair in {q for p in s for q in (p, p[::-1])}}
        for name, s in values.items()
    }
    s = solve(both, links, exposed)
    for (p, q), value in s.items():
        np.testing.assert_allclose(value, s[q, p], atol=1e-10)


def test_batch_block_and_order_do_not_matter() -> None:
    rng = np.random.default_rng(1)
    length = rng.uniform(30, 31, (7, 1))
    values = {"dc": coupler(0.08), "loop": guide(length)}
    plan = compile_circuit(
        values, [(("dc", "o3"), ("loop", "o1")), (("loop", "o2"), ("dc", "o2"))], {"a": ("dc", "o1"), "b": ("dc", "o4")}
    )
    whole = plan.solve(values)["a", "b"]
    assert whole.shape == (7, WL.size)
    np.testing.assert_array_equal(plan.solve(values, block=64)["a", "b"], whole)
    one = plan.solve({"dc": coupler(0.08), "loop": guide(float(length[3, 0]))})["a", "b"]
    np.testing.assert_allclose(whole[3], one, atol=1e-13)
    back = {n: {p: v[..., ::-1] for p, v in s.items()} for n, s in values.items()}
    np.testing.assert_array_equal(plan.solve(back)["a", "b"], whole[:, ::-1])


def test_modes_connect_when_both_sides_have_them() -> None:
    one = np.ones(3, complex)
    values = {
        "facet": {("o1", "o2"): 0.9 * one, ("o1@TM", "o2@TM"): 0.8 * one},
        "guide": {("o1", "o2"): 0.7 * one, ("o1@TM", "o2@TM"): 0.6 * one},
        "detector": {("o1", "i1"): 0.5 * one},
    }
    links = [(("facet", "o2"), ("guide", "o1")), (("guide", "o2"), ("detector", "o1"))]
    s = solve(values, links, {"in": ("facet", "o1"), "current": ("detector", "i1")})
    np.testing.assert_allclose(s["in", "current"], 0.9 * 0.7 * 0.5)
    assert ("in@TM", "current") not in s


def test_lossless_loop_on_resonance_is_refused_by_wavelength() -> None:
    wl = np.array([1.30, 1.31])
    x = np.array([1j, 1.0 + 0j])
    values = {
        "c": {("o1", "o3"): np.zeros(2, complex), ("o2", "o4"): x, ("o1", "o4"): x, ("o2", "o3"): x},
        "w": {("o1", "o2"): np.ones(2, complex)},
    }
    plan = compile_circuit(
        values, [(("c", "o4"), ("w", "o1")), (("w", "o2"), ("c", "o2"))], {"a": ("c", "o1"), "b": ("c", "o3")}
    )
    with pytest.raises(ModelError, match=r"1\.310000 um"):
        plan.solve(values, wl=wl)
    values["w"]["o1", "o2"] = np.full(2, 1 - 1e-8 + 0j)
    warnings: list[str] = []
    plan.solve(values, wl=wl, warnings=warnings)
    assert len(warnings) == 1
    assert "1.310000 um" in warnings[0]


def test_what_is_refused() -> None:
    g = {"a": guide(1.0), "b": guide(1.0)}
    twice = [(("a", "o2"), ("b", "o1")), (("a", "o2"), ("b", "o2"))]
    with pytest.raises(ModelError, match=r"a\.o2 is connected more than once"):
        compile_circuit(g, twice, {})
    with pytest.raises(ModelError, match=r"connected more than once"):
        compile_circuit(g, [(("a", "o2"), ("a", "o2"))], {})
    with pytest.raises(ModelError, match="no such instance"):
        compile_circuit(g, [(("a", "o2"), ("c", "o1"))], {})
    with pytest.raises(ModelError, match="connected inside"):
        compile_circuit(g, [(("a", "o2"), ("b", "o1"))], {"x": ("a", "o2")})
    with pytest.raises(ModelError, match="no port 'zz'"):
        compile_circuit(g, [], {"x": ("a", "o2")}, outputs_wanted=["zz"])
    plan = compile_circuit(g, [(("a", "o2"), ("b", "o1"))], {"x": ("a", "o1"), "y": ("b", "o2")})
    with pytest.raises(ModelError, match="without values"):
        plan.solve({"a": guide(1.0)})
    with pytest.raises(ModelError, match="compiled without"):
        plan.solve({**g, "a": {**guide(1.0), ("o1", "o1"): np.ones(1, complex)}})


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.integers(0, 2**31), st.sampled_from([1, 7, 300]), st.sampled_from([(), (1,), (5,), (2, 3)]))
def test_machine_code_gives_the_same_numbers_as_numpy(seed: int, wavelengths: int, batch: tuple[int, ...]) -> None:
    rng = np.random.default_rng(seed)
    values: dict[str, dict[tuple[str, str], np.ndarray]] = {}
    free = []
    for index in range(int(rng.integers(2, 9))):
        ports = [f"o{n + 1}" for n in range(int(rng.integers(1, 5)))]
        shape = [(wavelengths,), (*batch, wavelengths), (*batch, 1), (1,)][int(rng.integers(4))]
        raw = rng.normal(size=(*shape, len(ports), len(ports))) + 1j * rng.normal(size=(*shape, len(ports), len(ports)))
        raw *= 0.95 / np.maximum(np.linalg.norm(raw, 2, axis=(-2, -1)), 1e-3)[..., None, None]
        values[f"d{index}"] = {(a, b): raw[..., i, j] for i, a in enumerate(ports) for j, b in enumerate(ports)}
        free += [(f"d{index}", port) for port in ports]
    order = rng.permutation(len(free))
    half = int(rng.integers(0, len(free) // 2 + 1))
    links = [(free[order[2 * n]], free[order[2 * n + 1]]) for n in range(half)]
    ports = {f"p{n}": free[k] for n, k in enumerate(order[2 * half :])}
    if not ports:
        return
    plan = compile_circuit({name: list(matrix) for name, matrix in values.items()}, links, ports)
    plain, fast = plan.solve(values, engine="numpy"), plan.solve(values, engine="compiled")
    assert plain.keys() == fast.keys()
    for pair, value in plain.items():
        np.testing.assert_allclose(fast[pair], value, rtol=0, atol=1e-10)


def test_machine_code_names_a_singular_loop_as_numpy_does() -> None:
    wl = np.linspace(1.30, 1.32, 5)
    one = np.ones(5, complex)
    ring = {
        ("o1", "o2"): one,
        ("o2", "o1"): one,
        ("o3", "o4"): one * 0.5,
        ("o1", "o4"): one * 0.5,
        ("o3", "o2"): one * 0.5,
    }
    plan = compile_circuit({"x": list(ring)}, [(("x", "o1"), ("x", "o2"))], {"in": ("x", "o3"), "out": ("x", "o4")})
    messages = []
    for engine in ("numpy", "compiled"):
        with pytest.raises(ModelError, match=r"exactly resonant at 1\.300000 um") as caught:
            plan.solve({"x": ring}, wl=wl, engine=engine)  # type: ignore[arg-type]
        messages.append(str(caught.value))
    assert messages[0] == messages[1]
    near = {**ring, ("o2", "o1"): one * 0, ("o1", "o2"): np.where(np.arange(5) == 3, 1 - 1e-8, 0.5) + 0j}
    said: dict[str, list[str]] = {"numpy": [], "compiled": []}
    for engine, lines in said.items():
        plan.solve({"x": near}, wl=wl, engine=engine, warnings=lines)  # type: ignore[arg-type]
    assert said["numpy"] == said["compiled"]
    assert "1.315000 um" in said["numpy"][0]


def test_a_chain_of_coupled_rings_is_the_product_of_its_transfer_matrices() -> None:
    """CROW after Poon et al., Opt. Express 12, 90 (2004): each coupler and each half ring is a 2 x 2 matrix."""
    wl = np.linspace(1.30, 1.31, 201)
    rings, k = 7, 0.3
    t = np.sqrt(1 - k**2)
    half = np.exp(1j * 2 * np.pi * 2.5 * 30.0 / wl) * 0.995
    one = np.ones_like(wl, dtype=complex)
    coupler = {
        (a, b): value
        for pairs, value in (((("o1", "o4"), ("o2", "o3")), t * one), ((("o1", "o3"), ("o2", "o4")), 1j * k * one))
        for x, y in pairs
        for a, b in ((x, y), (y, x))
    }
    arc = {("o1", "o2"): half, ("o2", "o1"): half}
    values: dict[str, dict[tuple[str, str], np.ndarray]] = {"k0": coupler}
    links = []
    for n in range(rings):
        values |= {f"k{n + 1}": coupler, f"up{n}": arc, f"down{n}": arc}
        onwards, returning = ("o2", "o3") if n else ("o3", "o2")  # the first coupler is entered at o1, the others at o4
        links += [((f"k{n}", onwards), (f"up{n}", "o1")), ((f"up{n}", "o2"), (f"k{n + 1}", "o4"))]
        links += [((f"k{n + 1}", "o1"), (f"down{n}", "o1")), ((f"down{n}", "o2"), (f"k{n}", returning))]
    plan = compile_circuit(
        {name: list(matrix) for name, matrix in values.items()},
        links,
        {"in": ("k0", "o1"), "through": ("k0", "o4"), "on": (f"k{rings}", "o2")},
    )
    found = plan.solve(values)
    # x in and y back on the left of a coupler, R onwards and L returning on its right: R = ik x + t L, y = t x + ik L
    cross = np.array([[-1, t], [-t, 1]]) / (1j * k)
    expected = []
    for turn in half:
        product = cross
        for _ in range(rings):
            product = cross @ np.diag([turn, 1 / turn]) @ product
        back = -product[1, 0] / product[1, 1]  # nothing returns from the far end
        expected.append((back, product[0, 0] + product[0, 1] * back))
    np.testing.assert_allclose(found["in", "through"], [back for back, _ in expected], atol=1e-10)
    # in the stop band the product of the matrices itself is good to 1e-9 only
    np.testing.assert_allclose(found["in", "on"], [on for _, on in expected], atol=1e-9)
