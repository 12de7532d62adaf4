"""The heat of a package: a small one of known shape, against conservation, reciprocity, symmetry and plain slabs."""

from __future__ import annotations

import klayout.db as kdb
import numpy as np
import pytest

from cpo_pdk.errors import LayoutError, ModelError, ParameterError
from cpo_pdk.handover.parts import Die, Package, PlacedDie, Solid
from cpo_pdk.spec import PackageSpec, load_spec
from cpo_pdk.spec.thermal import Conductivities, PowerBlock, Thermal
from cpo_pdk.tech.package_heights import package_heights
from cpo_pdk.tech.thermal_materials import thermal_table
from cpo_pdk.thermal.package_model import PackageHeat, model_of

H = package_heights()
CELLS = 14_000
ENGINES = {"engine_E1": (16000, -1500, 0), "engine_N1": (1500, 18500, 90), "engine_W1": (-16000, 1500, 180)}


def slab(name: str, group: str, box: tuple[float, float, float, float], bottom: float, top: float) -> Solid:
    left, low, right, high = box
    outline = np.array([(left, low), (right, low), (right, high), (left, high)], dtype=float)
    return Solid(name, group, outline, (), bottom, top)


def package(
    *extra: Solid, engines: dict[str, tuple[int, int, int]] = ENGINES, eic: bool = True, floor: float = 0.0
) -> Package:
    """An ASIC of 26 x 31 mm and engines of 2 x 3 mm beside it, their electronic dies 0.1 mm smaller on each side.

    Args:
        extra: more bodies.
        engines: x, y and turn of each.
        eic: whether they have electronic dies.
        floor: what they stand on, above the substrate, um.
    """
    asic = Die("asic_cell", "asic", "asic", 1, (-13000.0, -15500.0, 13000.0, 15500.0))
    top = (100.0, 100.0, 1900.0, 2900.0) if eic else None
    engine = Die("engine_cell", "engine", "engine", 2, (0.0, 0.0, 2000.0, 3000.0), top)
    board = H.substrate_thickness
    placed = [PlacedDie("asic", asic, kdb.DCplxTrans(), board + H.asic_standoff)]
    for name, (x, y, turn) in engines.items():
        placed.append(PlacedDie(name, engine, kdb.DCplxTrans(1, turn, False, x, y), board + floor + H.engine_standoff))
    substrate = slab("substrate", "SUBSTRATE", (-50000, -50000, 50000, 50000), 0, board)
    return Package("small", (asic, engine), tuple(placed), (substrate, *extra), (), (), np.empty((0, 2, 2)), {})


def spec(**thermal: object) -> PackageSpec:
    return load_spec("switch_51t2").model_copy(update={"thermal": Thermal(**thermal)})  # type: ignore[arg-type]


def model(**thermal: object) -> PackageHeat:
    return model_of(package(), spec(**thermal), cells=CELLS)


@pytest.fixture(scope="module")
def heat() -> PackageHeat:
    rings = {"engine_E1/near": ("engine_E1", 16050.0, 0.0), "engine_E1/far": ("engine_E1", 17950.0, 0.0)}
    found = model_of(package(), spec(), rings, cells=CELLS)
    found.response()
    return found


WATTS = {"asic": 500.0, **{f"{die}:{name}": w for name in ENGINES for die, w in (("eic", 6.0), ("pic", 2.0))}}


def test_what_goes_in_comes_out(heat: PackageHeat) -> None:
    found = heat.temperatures(WATTS)
    assert found.in_W == pytest.approx(524.0, abs=1e-12)
    assert found.out_W == pytest.approx(found.in_W, rel=1e-6)


def test_without_heat_everything_is_as_warm_as_the_fluids() -> None:
    found = model(coolant_C=30, air_C=30).temperatures({})
    assert found.asic_max_C == pytest.approx(30, abs=1e-6)
    assert set(np.round(list(found.engines_C.values()), 5)) == {30.0}
    between = model(coolant_C=30, air_C=50).temperatures({})
    assert 30 < between.asic_mean_C < 50 and between.out_W == pytest.approx(0, abs=1e-4)


def test_the_sum_of_responses_is_the_solution(heat: PackageHeat) -> None:
    alone = model_of(package(), spec(), heat.plan.rings, cells=CELLS).temperatures(WATTS)
    summed = heat.temperatures(WATTS)
    assert summed.asic_max_C == pytest.approx(alone.asic_max_C, abs=1e-4)
    assert summed.rings == pytest.approx(alone.rings, abs=1e-4)
    for one, other in zip(summed.maps, alone.maps, strict=True):
        np.testing.assert_allclose(one.T_C, other.T_C, atol=1e-4)
    probes = heat.response().temperatures(heat.places(WATTS))
    assert probes["ring:engine_E1/near"] == pytest.approx(summed.rings["engine_E1/near"], abs=1e-9)
    assert probes["pic:engine_N1"] == pytest.approx(summed.engines_C["engine_N1"], abs=1e-9)


def test_reciprocity(heat: PackageHeat) -> None:
    """A watt in one die warms another as much as a watt in the other warms the one (means over the same boxes)."""
    response = heat.response()
    rows = [response.probes.index(source) for source in response.sources]
    square = response.matrix[rows]
    np.testing.assert_allclose(square, square.T, rtol=1e-5, atol=1e-7)
    assert np.all(square > 0) and np.all(np.diag(square) >= square.max(axis=1) - 1e-9)


def test_mirrored_engines_are_equally_warm(heat: PackageHeat) -> None:
    found = heat.temperatures(WATTS)
    assert found.engines_C["engine_E1"] == pytest.approx(found.engines_C["engine_W1"], rel=1e-4)
    assert found.engine_spread_C == max(found.engines_C.values()) - min(found.engines_C.values())


def test_mirror_images_of_sources_are_what_their_own_solve_gives() -> None:
    turned = {"engine_E1": (16000, -1500, 0), "engine_W1": (-16000, 1500, 180)}
    both = model_of(package(engines=turned), spec(), cells=CELLS)
    assert set(both._mirrors) == {(True, False), (False, True), (True, True)}
    response = both.response()
    for place in ("asic", "pic:engine_W1", "eic:engine_E1"):
        watts = {place: 10.0, "pic:engine_W1": 0.1}
        alone = model_of(package(engines=turned), spec(), cells=CELLS).temperatures(watts)
        assert response.temperatures(watts)["pic:engine_W1"] == pytest.approx(alone.engines_C["engine_W1"], abs=1e-4)
        assert both.temperatures(watts).asic_max_C == pytest.approx(alone.asic_max_C, abs=1e-4)
    plain = model()
    assert plain._mirrors == ((True, False),)


def test_a_ring_near_the_asic_feels_it_more(heat: PackageHeat) -> None:
    response = heat.response()
    asic = response.matrix[:, response.sources.index("asic")]
    near, far = (response.probes.index(f"ring:engine_E1/{name}") for name in ("near", "far"))
    assert asic[near] > asic[far] > 0
    own = response.matrix[:, response.sources.index("pic:engine_E1")]
    assert own[near] > 10 * response.matrix[near, response.sources.index("pic:engine_W1")]


def test_the_asic_stands_above_the_slabs_on_it() -> None:
    """All heat up through silicon, paste, copper and film over no more than the base: between one slab and another."""
    thermal = {"coolant_C": 30, "air_C": 30, "air_htc_W_m2K": 0.1, "htc_W_m2K": 2e4}
    found = model(**thermal)
    rise = found.temperatures({"asic": 500}).asic_mean_C - 30
    table, area = thermal_table().materials, 26e-3 * 31e-3
    left, low, right, high = found.stack.base
    base = (right - left) * (high - low) * 1e-12
    silicon = (H.asic_thickness - 10) * 1e-6 / table["silicon"].vertical / area
    paste = H.lid_gap * 1e-6 / table["tim"].vertical / area
    plate = H.coldplate_thickness * 1e-6 / table["copper"].vertical
    least = silicon + paste + plate / base + 1 / 2e4 / base
    most = silicon + paste + plate / area + 1 / 2e4 / area + 0.1e-3 / table["copper"].vertical / area
    assert 500 * least < rise < 500 * most


def test_finer_grids_change_little() -> None:
    coarse, fine = (model_of(package(), spec(), cells=cells).temperatures(WATTS) for cells in (CELLS, 4 * CELLS))
    assert coarse.cells < fine.cells
    assert fine.asic_mean_C == pytest.approx(coarse.asic_mean_C, abs=0.3)
    for name in ENGINES:
        assert fine.engines_C[name] - 30 == pytest.approx(coarse.engines_C[name] - 30, rel=0.03)


@pytest.mark.parametrize(
    ("colder", "warmer"),
    [
        ({"htc_W_m2K": 4e4}, {"htc_W_m2K": 1e4}),
        ({"coolant_C": 20}, {"coolant_C": 40}),
        ({"conductivity_W_mK": Conductivities(tim=80)}, {"conductivity_W_mK": Conductivities(tim=2)}),
        ({"conductivity_W_mK": Conductivities(silicon=148)}, {"conductivity_W_mK": Conductivities(silicon=50)}),
        ({"covers": "all"}, {"covers": "asic"}),
        ({"kind": "cold_plate"}, {"kind": "heatsink"}),
    ],
)
def test_what_cools_better_makes_all_engines_cooler(colder: dict[str, object], warmer: dict[str, object]) -> None:
    one, other = model(**colder).temperatures(WATTS), model(**warmer).temperatures(WATTS)
    assert all(one.engines_C[name] < other.engines_C[name] for name in ENGINES)


def test_a_power_map_moves_the_heat() -> None:
    block = {"name": "east", "box_mm": (3, -15.5, 13, 15.5), "power_W": 400}
    rest = {"name": "west", "box_mm": (-13, -15.5, 3, 15.5), "power_W": 100}
    asked = spec()
    blocks = tuple(PowerBlock.model_validate(b) for b in (block, rest))
    mapped = asked.model_copy(update={"asic": asked.asic.model_copy(update={"power_map": blocks})})
    found = model_of(package(), mapped, cells=CELLS)
    assert found.sources[:2] == ("asic/east", "asic/west")
    assert found.places({"asic": 250})["asic/east"] == pytest.approx(200)
    uneven = found.temperatures({"asic": 500})
    assert uneven.in_W == pytest.approx(500) and uneven.out_W == pytest.approx(500, rel=1e-6)
    assert uneven.engines_C["engine_E1"] > uneven.engines_C["engine_W1"] + 1
    assert uneven.asic_max_C > model().temperatures({"asic": 500}).asic_max_C + 3


def test_places_of_a_ledger(heat: PackageHeat) -> None:
    ledger = {"ring:engine_E1/near": 0.5, "ring:engine_N1/heater": 0.25, "els:ELS-1": 9.0, "outside": 1.0}
    found = heat.places(ledger)
    assert found["pic:engine_E1"] == 0.5 and found["pic:engine_N1"] == 0.25
    assert sum(found.values()) == 0.75
    assert heat.temperatures(ledger).lasers_C == {"ELS-1": 45.0}
    with pytest.raises(ModelError, match="'pic:engine_X9', where the package has nothing"):
        heat.places({"pic:engine_X9": 1.0})
    with pytest.raises(ModelError, match="lies in no engine"):
        heat.places({"ring:elsewhere/ring": 1.0})


def test_spare_engines_are_on_the_maps_alone(heat: PackageHeat) -> None:
    found = heat.temperatures({"asic": 500.0, "eic:engine_E1": 5.0, "pic:engine_N1": 0.0})
    assert set(found.engines_C) == set(found.engines_max_C) == {"engine_E1"}
    assert {m.name for m in found.maps} == {"package", *ENGINES}


def test_maps_cover_dies_and_substrate(heat: PackageHeat) -> None:
    found = heat.temperatures(WATTS)
    whole, engine = found.maps[0], next(m for m in found.maps if m.name == "engine_E1")
    assert whole.name == "package" and whole.T_C.shape == (len(whole.y) - 1, len(whole.x) - 1)
    assert np.isfinite(whole.T_C).all() and whole.T_C.max() == pytest.approx(
        max(found.asic_max_C, *(m.T_C.max() for m in found.maps[1:]))
    )
    assert engine.x[0] == pytest.approx(16000) and engine.x[-1] == pytest.approx(18000)
    assert engine.y[0] == pytest.approx(-1500) and engine.y[-1] == pytest.approx(1500)
    assert engine.T_C.min() <= found.rings["engine_E1/near"] <= engine.T_C.max()
    assert found.engines_max_C["engine_E1"] >= engine.T_C.max()


def test_limits_are_named() -> None:
    hot = model(htc_W_m2K=1000).temperatures({**WATTS, "asic": 1500.0})
    text = "\n".join(hot.warnings)
    assert "the ASIC reaches" in text and "silicon is specified to 105 C" in text
    assert "3 of 3 engines are hotter than 105 C" in text and "beyond 150 C" in text
    rings = {"engine_E1/r": ("engine_E1", 17000.0, 0.0)}
    hot = model_of(package(), spec(htc_W_m2K=1000), rings, cells=CELLS).temperatures(WATTS)
    assert any("1 of 1 rings are hotter than 125 C, engine_E1/r" in line for line in hot.warnings)
    assert model().temperatures({"asic": 100}).warnings == ()


def test_a_plate_that_ends_short_of_the_engines_is_made_longer_and_said_so() -> None:
    plate = slab("coldplate", "COLDPLATE", (-12000, -15000, 12000, 15000), 2395, 8395)
    found = model_of(package(plate), spec(), cells=CELLS)
    assert "ends short of 3 of 3 engines" in found.warnings[0] and "covers: asic" in found.warnings[0]
    assert model_of(package(plate), spec(covers="asic"), cells=CELLS).warnings == ()


def test_a_lid_lies_between_with_paste_on_both_sides() -> None:
    walls = [
        slab(f"lid_{i}", "LID", box, H.substrate_thickness, 2395)
        for i, box in enumerate([(-30000, 28000, 30000, 30000), (-30000, -30000, 30000, -28000)])
    ]
    found = model_of(package(*walls), spec(), cells=CELLS)
    names = [body.name for body in found.stack.bodies]
    assert names.index("lid") < names.index("lid/paste") < names.index("base")
    assert found.stack.base[1] == -30000
    lidded, bare = found.temperatures(WATTS), model().temperatures(WATTS)
    assert lidded.out_W == pytest.approx(lidded.in_W, rel=1e-6)
    assert lidded.asic_mean_C != pytest.approx(bare.asic_mean_C, abs=0.1)


def test_engines_without_an_electronic_die_take_its_heat_themselves() -> None:
    found = model_of(package(eic=False), spec(), cells=CELLS)
    assert not any(source.startswith("eic:") for source in found.sources)
    assert found.places({"eic:engine_E1": 3.0, "pic:engine_E1": 1.0})["pic:engine_E1"] == 4.0
    warm = found.temperatures(WATTS)
    assert warm.out_W == pytest.approx(524, rel=1e-6) and warm.engines_C["engine_E1"] > 30


def test_engines_on_sub_assemblies_stand_above_the_asic() -> None:
    """The base then reaches down to the ASIC by a pedestal; sockets keep the engines' heat off the substrate."""
    low = H.substrate_thickness + H.carrier_standoff
    boards = [
        slab(name, "CARRIER", box, low, low + H.carrier_thickness)
        for name, box in (
            ("carrier_E", (15000.0, -3000.0, 19000.0, 3000.0)),
            ("carrier_W", (-19000.0, -3000.0, -15000.0, 3000.0)),
            ("carrier_N", (-3000.0, 17500.0, 3000.0, 21500.0)),
        )
    ]
    raised = model_of(package(*boards, floor=H.carrier_standoff + H.carrier_thickness), spec(), cells=CELLS)
    bodies = {body.name: body for body in raised.stack.bodies}
    assert bodies["asic/pedestal"].span[1] == bodies["base"].span[0] > bodies["engine_E1/eic"].span[1]
    assert "engine_E1/pedestal" not in bodies
    found = raised.temperatures(WATTS)
    assert found.out_W == pytest.approx(524, rel=1e-6)
    edges = [m.temperatures({"pic:engine_E1": 5.0}).maps[0].T_C[0].mean() for m in (raised, model())]
    assert edges[0] < edges[1], "with sockets between, an engine warms the substrate less"


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(LayoutError, match="holds no engine"):
        model_of(package(engines={}), spec(), cells=CELLS)
    with pytest.raises(LayoutError, match=r"does not lie on engine_E1"):
        model_of(package(), spec(), {"engine_E1/r": ("engine_E1", 0.0, 0.0)}, cells=CELLS)
    with pytest.raises(LayoutError, match="'engine_Q' is not in the package"):
        model_of(package(), spec(), {"engine_Q/r": ("engine_Q", 0.0, 0.0)}, cells=CELLS)
    with pytest.raises(LayoutError, match=r"drawn as 26 x 31 mm, the spec has 47\.5 x 47\.5 mm"):
        model_of(package(), load_spec("switch_102t4"), cells=CELLS)
    with pytest.raises(ParameterError, match="10 cells for the heat of a package; 2000 to 4000000"):
        model_of(package(), spec(), cells=10)


@pytest.mark.parametrize(("at", "says"), [((12000, 0, 0), "on the ASIC"), ((200_000, 0, 0), "beside the substrate")])
def test_an_engine_out_of_its_place_is_refused(at: tuple[int, int, int], says: str) -> None:
    with pytest.raises(LayoutError, match=f"engine_E1 lies {says}"):
        model_of(package(engines={**ENGINES, "engine_E1": at}), spec(), cells=CELLS)


def test_the_load_step_ends_in_the_steady_state(heat: PackageHeat) -> None:
    idle, full = {**WATTS, "asic": 150.0}, WATTS
    step = heat.load_step(idle, full, 0.07, 1000.0)
    assert step.t_s[0] == 0 and np.all(np.diff(step.t_s) > 0)
    assert step.ring == "engine_E1/near"
    before, after = heat.temperatures(idle), heat.temperatures(full)
    assert step.asic_C[0] == pytest.approx(before.asic_max_C, abs=1e-3)
    assert step.ring_C[0] == pytest.approx(before.rings[step.ring], abs=1e-3)
    assert step.asic_C[-1] == pytest.approx(after.asic_max_C, rel=0.01)
    assert step.ring_C[-1] == pytest.approx(after.rings[step.ring], rel=0.01)
    assert np.all(np.diff(step.asic_C) > -1e-6)
    assert 0.1 < step.tau_s < 30 and step.fastest_K_s > 0
    assert step.tracking_error_nm == pytest.approx(0.07 * step.fastest_K_s / (2 * np.pi * 1000), rel=1e-6)
    with pytest.raises(ParameterError, match="control bandwidth 0 Hz"):
        heat.load_step(idle, full, 0.07, 0.0)


def test_a_step_of_a_package_without_rings_names_an_engine() -> None:
    step = model_of(package(), spec(), cells=4000).load_step({"asic": 100.0}, {"asic": 500.0}, 0.0, 1000.0)
    assert step.ring in ENGINES and step.tracking_error_nm == 0.0
