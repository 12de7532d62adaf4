"""The shipped package spec, what follows from it, and every kind of fault at its line."""

from __future__ import annotations

import copy
import math
import pickle
from pathlib import Path

import pytest

from cpo_pdk.errors import SpecError
from cpo_pdk.spec import PackageSpec, data_folder, load_spec, parse_spec
from cpo_pdk.spec.grid import C_UM_GHZ, Grid
from cpo_pdk.spec.port_plan import active_names
from cpo_pdk.spec.validation import key_paths

SHIPPED = data_folder("assemblies") / "switch_51t2.yaml"
TEXT = SHIPPED.read_text(encoding="utf-8")


def changed(*pairs: tuple[str, str]) -> str:
    """The shipped spec with pieces of text replaced."""
    text = TEXT
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new, 1)
    return text


def line_of(piece: str, text: str) -> int:
    return text[: text.index(piece)].count("\n") + 1


def faults(text: str) -> list[tuple[int, str]]:
    with pytest.raises(SpecError) as caught:
        parse_spec(text, Path("p.yaml"))
    assert all("\n" not in p.message for p in caught.value.problems)
    return [(p.line, p.message) for p in caught.value.problems]


def the_fault(text: str) -> tuple[int, str]:
    [fault] = faults(text)
    return fault


@pytest.fixture(scope="module")
def spec() -> PackageSpec:
    return load_spec(SHIPPED)


def test_shipped_spec_closes(spec: PackageSpec) -> None:
    assert spec.lanes_per_direction == 512
    assert spec.fibre_counts == {"tx": 64, "rx": 64, "laser": 16, "loopback": 32, "total": 176}
    assert spec.engine.fibre_counts == {"tx": 8, "rx": 8, "laser": 2, "loopback": 4, "total": 22}
    assert spec.engine.splitter_ways == 4
    assert spec.engine.splitter_stages == 2
    assert spec.faceplate.fibres_per_connector == 16
    assert active_names(spec) == ("N1", "N2", "E1", "E2", "S1", "S2", "W1", "W2")
    assert len(TEXT.splitlines()) < 60


def test_channel_wavelengths(spec: PackageSpec) -> None:
    grid = spec.engine.grid
    assert len(grid.wl_um) == 8
    assert list(grid.wl_um) == sorted(grid.wl_um)
    spacings = [C_UM_GHZ / a - C_UM_GHZ / b for a, b in zip(grid.wl_um, grid.wl_um[1:], strict=False)]
    assert spacings == pytest.approx([200.0] * 7)
    centre = (C_UM_GHZ / grid.wl_um[0] + C_UM_GHZ / grid.wl_um[-1]) / 2
    assert centre == pytest.approx(C_UM_GHZ / 1.30005)
    # CW-WDM MSA: 200 GHz is 1.12 nm at 1300 nm, the 8+1 comb spans 9 nm
    assert grid.spacing_nm == pytest.approx(1.128, abs=0.001)
    assert grid.span_nm == 9
    # 8 x 17 dBm = 26 dBm
    assert spec.laser.per_wavelength_dBm + 10 * math.log10(8) == pytest.approx(24.0, abs=0.05)


@pytest.mark.parametrize(
    ("channels", "spacing", "span"),
    [(8, 200, 9), (8, 800, 36), (4, 400, 18), (16, 100, 9), (16, 400, 36), (32, 100, 18), (32, 200, 36),
     (8, 100, None), (16, 800, None), (12, 200, None), (32, 400, None), (8, 250, None)],
)  # fmt: skip
def test_cw_wdm_combs(channels: int, spacing: float, span: int | None) -> None:
    grid = Grid(standard="CW-WDM", center_nm=1300.05, channels=channels, spacing_GHz=spacing)
    assert grid.span_nm == span


def test_spec_is_a_frozen_value(spec: PackageSpec) -> None:
    assert hash(spec) == hash(load_spec(SHIPPED))
    assert spec == load_spec(SHIPPED)
    assert pickle.loads(pickle.dumps(spec)) == spec
    assert copy.deepcopy(spec).problem("engines.gap_mm", "x").line == line_of("gap_mm", TEXT)
    with pytest.raises(ValueError, match="frozen"):
        spec.bandwidth_Tbps = 1.0  # type: ignore[misc]


def test_every_key_is_described_and_every_number_has_range_and_reason() -> None:
    schema = PackageSpec.model_json_schema()
    numbers = 0
    for model in (schema, *schema["$defs"].values()):
        for name, field in model["properties"].items():
            assert field.get("description"), name
            parts = [field, *field.get("anyOf", []), *field.get("prefixItems", [])]
            for part in parts:
                if part.get("type") in ("number", "integer"):
                    numbers += 1
                    assert {"minimum", "maximum", "reason", "unit"} <= set(part), name
    assert numbers > 30


def test_problem_knows_the_line(spec: PackageSpec) -> None:
    problem = spec.problem("engines.pitch_mm", "too small")
    assert problem.file == SHIPPED
    assert problem.line == line_of("pitch_mm:", TEXT)


def test_unknown_key_is_reported_once_with_a_suggestion() -> None:
    text = changed(("fibre_pitch_um: 127", "pich_um: 127"))
    line, message = the_fault(text)
    assert line == line_of("pich_um", text)
    assert message == 'unknown key "pich_um" in engine; did you mean "fibre_pitch_um"?'


def test_key_in_the_wrong_section() -> None:
    _, message = the_fault(changed(("substrate: {", "substrate: {tx_fibres: 8, ")))
    assert message == 'unknown key "tx_fibres" in substrate; it belongs to engine'


def test_missing_key_points_at_its_section() -> None:
    text = changed(("  bend_radius_mm: 15", "  #"))
    line, message = the_fault(text)
    assert line == line_of("fibres:\n", text)
    assert message.startswith('missing key "bend_radius_mm" in fibres: smallest bend radius')


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("power_W: 500", "power_W: true", "is true, a number"),
        ("power_W: 500", "power_W: no", 'is "no", a number'),
        ("power_W: 500", 'power_W: "500"', "without quotes"),
        ("power_W: 500", "power_W: 500 W", "bare number"),
        ("power_W: 500", "power_W: 5_00", "without underscores"),
        ("power_W: 500", "power_W:", "is empty"),
        ("power_W: 500", "power_W: [500]", "a number is expected"),
        ("power_W: 500", "power_W: .nan", "finite"),
        ("power_W: 500", "power_W: -.inf", "finite"),
        ("power_W: 500", "power_W: 1e999", "finite"),
        ("power_W: 500", "power_W: 0", "below the limit 0.1 W"),
        ("count: 8", "count: 8.0", "a whole number"),
        ("count: 8", "count: true", "a whole number"),
        ("count: 8", "count: 0", "below the limit 1"),
        ("fibre_pitch_um: 127", "fibre_pitch_um: 0.127", "below the limit 40 um"),
        ("keepout_um: 500", "keepout_um: 0.5", "below the limit 10 um"),
        ("shoreline_um: 1100", "shoreline_um: 0.8", "below the limit 50 um"),
        ("gap_mm: 3.0", "gap_mm: 3000", "above the limit 50 mm"),
        ("bend_radius_mm: 15", "bend_radius_mm: 15000", "above the limit 100 mm"),
        ("center_nm: 1300.05", "center_nm: 1.30005", "below the limit 1260 nm"),
        ("size_mm: [26, 31]", "size_mm: [26000, 31]", "asic.size_mm[0] = 26000 mm is above the limit 70 mm"),
        ("size_mm: [26, 31]", "size_mm: [26]", "too few values"),
        ("size_mm: [26, 31]", "size_mm: [26, 31, 3]", "has 3 values, 2 are allowed"),
        ("size_mm: [26, 31]", "size_mm: 26", "a list is expected"),
        ("modulation: PAM4", "modulation: PAM-4", 'allowed: NRZ, PAM4; did you mean "PAM4"?'),
        ("connector: MPO-16", "connector: MPO16", 'did you mean "MPO-16"?'),
        ("name: switch_51t2", "name: ../../etc/pwn", "path parts"),
        ("name: switch_51t2", "name: CON", "Windows"),
        ("name: switch_51t2", "name: 51t2", "start with a letter"),
        ("name: switch_51t2", "name: " + "x" * 65, "65 characters"),
        ("name: switch_51t2", "name: 'a\"<script>'", "start with a letter"),
        ("tap: tap_coupler", "tap: tap/coupler", "path parts"),
    ],
)
def test_wrong_values_at_their_line(old: str, new: str, words: str) -> None:
    text = changed((old, new))
    line, message = the_fault(text)
    assert words in message
    assert line == line_of(old.partition(":")[0] + ":", TEXT) or line == line_of(new, text)


def test_all_faults_of_a_file_at_once() -> None:
    text = changed(
        ("power_W: 500", "power_W: hot"),
        ("gap_mm: 3.0", "gab_mm: 3.0"),
        ("distance_mm: 130", "#"),
        ("[asic.size_mm", "[asic.size"),
    )
    found = faults(text)
    assert [line for line, _ in found] == sorted(line for line, _ in found)
    assert len(found) == 4


@pytest.mark.parametrize(
    ("pairs", "arithmetic"),
    [
        ([("bandwidth_Tbps: 51.2", "bandwidth_Tbps: 25.6")],
         "8 engines x 8 tx_fibres x 8 channels x 100 Gb/s = 51.2 Tb/s, but bandwidth_Tbps is 25.6"),
        ([("bandwidth_Tbps: 6.4", "bandwidth_Tbps: 3.2")], "8 engines x 3.2 Tb/s = 25.6 Tb/s, but bandwidth_Tbps is"),
        ([("tx_fibres: 8", "tx_fibres: 4")], "4 tx_fibres x 8 channels x 100 Gb/s = 3.2 Tb/s, but"),
        ([("choices: [asic.size_mm", "production: {spares: {wavelengths: 8}}\nchoices: [asic.size_mm")],
         "8 wavelengths of a fibre may be dead, and it has 8: it would work without light"),
        ([("rx_fibres: 8", "rx_fibres: 9")], "8 engines x 9 rx_fibres x 8 channels x 100 Gb/s = 57.6 Tb/s"),
        ([("lane_rate_Gbps: 100", "lane_rate_Gbps: 112")], "= 7.168 Tb/s"),
        ([("north: 2", "north: 3")], "3 north + 2 east + 2 south + 2 west = 9, engines.count is 8"),
        ([("laser_fibres: 2", "laser_fibres: 3")], "8 tx_fibres / 3 laser_fibres = 2.66667"),
        ([("laser_fibres: 2", "laser_fibres: 16")], "use laser_fibres: 1, 2, 4, 8"),
        ([("  heater_bias_nm", "  edge_mm: 2.5\n  heater_bias_nm")],
         "(8 tx + 8 rx + 2 laser + 2 x 2 loopback) x 127 um = 22 x 127 um = 2.794 mm, but edge_mm is 2.5, room for 19"),
        ([("spacing_GHz: 200", "spacing_GHz: 100")], "8 channels at 100 GHz is no CW-WDM grid"),
        ([("channels: 8", "channels: 12")], "12 channels at 200 GHz is no CW-WDM grid"),
        ([("center_nm: 1300.05", "center_nm: 1262")], "leaves the O-band"),
        ([("heater_bias_nm: 0.8", "heater_bias_nm: 1.2")], "the spacing is 1.128 nm"),
        ([("per_wavelength_dBm: 15.0", "per_wavelength_dBm: 18")], "18 dBm + 10 log10(8) = 27.03 dBm, the limit"),
        ([("shoreline_um: 1100", "shoreline_um: 10000"), ("bump_margin_um: 300", "bump_margin_um: 4000")],
         "2 x (10000 shoreline + 4000 margin) um = 28 mm"),
        ([("[100, 100]", "[31, 100]")], "26 + 2 x 3 mm = 32 mm > 31 mm"),
        ([("distance_mm: 130", "distance_mm: 40")], "faceplate stands on the package"),
    ],
)  # fmt: skip
def test_what_does_not_close_is_shown(pairs: list[tuple[str, str]], arithmetic: str) -> None:
    assert any(arithmetic in message for _, message in faults(changed(*pairs)))


def test_edge_that_holds_the_array_is_accepted() -> None:
    spec = parse_spec(changed(("  heater_bias_nm", "  edge_mm: 2.794\n  heater_bias_nm")))
    assert spec.engine.edge_mm == 2.794


def test_custom_grid_lifts_the_agreement() -> None:
    assert parse_spec(changed(("CW-WDM", "custom"), ("spacing_GHz: 200", "spacing_GHz: 250"))).engine.grid.comb is None


def test_custom_grid_below_zero_frequency() -> None:
    text = changed(("CW-WDM", "custom"), ("channels: 8", "channels: 64"), ("spacing_GHz: 200", "spacing_GHz: 5000"))
    assert any("O-band" in message or "zero frequency" in message for _, message in faults(text))


def test_choices_are_values_of_the_spec(spec: PackageSpec) -> None:
    assert set(spec.choices) <= set(key_paths(PackageSpec))
    text = changed(("engines.gap_mm,", "engines.gap,"))
    line, message = the_fault(text)
    assert line == line_of("engines.gap,", text)
    assert message == 'choices: no value "engines.gap" in a spec; did you mean "engines.gap_mm"?'
    assert "listed twice" in the_fault(changed(("engines.gap_mm,", "engines.gap_mm, engines.gap_mm,")))[1]


def test_spec_without_a_file_still_names_itself(spec: PackageSpec) -> None:
    bare = PackageSpec.model_validate(spec.model_dump())
    assert str(bare.problem("asic.power_W", "x")) == "<switch_51t2>:1:1: x"


def test_the_bump_pitch_follows_the_architecture_where_the_spec_names_none() -> None:
    text = (data_folder("assemblies") / "switch_25t6.yaml").read_text("utf-8")
    lines = [line for line in text.splitlines() if "bump_pitch_um:" not in line]
    without = "\n".join(lines).replace("\n  engine.bump_pitch_um,", "\n ")
    assert "bump_pitch_um" not in without
    assert parse_spec(without).engine.bump_pitch_um == (100.0, 100.0)
    rings = without.replace("mzm_wdm", "ring_wdm")
    assert parse_spec(rings).engine.bump_pitch_um == (50.0, 63.5)
