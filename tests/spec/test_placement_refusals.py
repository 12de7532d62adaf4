"""Every refusal of a placement: its line, its numbers, and that the change it proposes does away with it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cpo_pdk.errors import Problem, SpecError
from cpo_pdk.spec import find_spec, load_spec, parse_spec
from cpo_pdk.spec.placement import place_engines, shoreline_of
from cpo_pdk.spec.placement_checks import engine_problems

TEXT = find_spec("switch_51t2").read_text(encoding="utf-8")
SIZE = (2000.0, 3000.0)
GIVEN = (
    "  positions:\n"
    "    - {side: north, x_mm: -7, y_mm: 20}\n    - {side: north, x_mm: 7, y_mm: 20}\n"
    "    - {side: east, x_mm: 18, y_mm: 6}\n    - {side: east, x_mm: 18, y_mm: -6}\n"
    "    - {side: south, x_mm: -7, y_mm: -20}\n    - {side: south, x_mm: 7, y_mm: -20}\n"
    "    - {side: west, x_mm: -18, y_mm: 6}\n    - {side: west, x_mm: -18, y_mm: -6}\n"
)
PER_SIDE = "  per_side: {north: 2, east: 2, south: 2, west: 2}\n"
PITCH = "  pitch_mm: 12.0                  # engine centre to engine centre along a side\n"
CHOICES = TEXT[TEXT.index("choices:") :]


def changed(*pairs: tuple[str, str]) -> str:
    text = TEXT.replace(CHOICES, "").replace("bump_pitch_um: 130", "bump_pitch_um: 40")
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new, 1)
    return text


def problems(text: str) -> list[Problem]:
    return engine_problems(parse_spec(text, Path("p.yaml")), SIZE)


def keep_out(kind: str, box: str, fibres: str = "around") -> tuple[str, str]:
    return "engines:\n", f"keepouts:\n  - {{kind: {kind}, box_mm: {box}, fibres: {fibres}}}\nengines:\n"


AUTO = (PITCH, "")

CASES = [
    # what is changed; line that is named; its numbers; the cure; what the cure changes
    ([("pitch_mm: 12.0", "pitch_mm: 3.2")], "pitch_mm", "pitch 3.2 mm is below engine width 3.000 mm + keep-out 0.5 mm",
     "raise pitch_mm to 3.5 or use keepout_um 200", [("pitch_mm: 3.2", "pitch_mm: 3.5")]),
    ([("pitch_mm: 12.0", "pitch_mm: 3.2")], "pitch_mm", "= 3.500 mm", "use keepout_um 200",
     [("keepout_um: 500", "keepout_um: 200")]),
    ([("pitch_mm: 12.0", "pitch_mm: 24")], "pitch_mm", "(2 - 1) x 24 + 3.000 = 27.00 mm of 26 mm",
     "raise asic.size_mm[0] by 1 mm or use pitch_mm 23", [("pitch_mm: 24", "pitch_mm: 23")]),
    ([("pitch_mm: 12.0", "pitch_mm: 24")], "pitch_mm", "27.00 mm of 26 mm", "raise asic.size_mm[0] by 1 mm",
     [("size_mm: [26, 31]", "size_mm: [27, 31]")]),
    ([AUTO, (PER_SIDE, "  per_side: {north: 8}\n")], "size_mm: [26, 31]",
     "8 engines do not fit the north side: (8 - 1) x 3.5 + 3.000 = 27.50 mm of 26 mm",
     "raise asic.size_mm[0] by 1.5 mm or use keepout_um 285 or use per_side: {north: 7, east: 1, south: 0, west: 0}",
     [("per_side: {north: 8}", "per_side: {north: 7, east: 1}")]),
    ([AUTO, (PER_SIDE, "  per_side: {north: 8}\n")], "size_mm: [26, 31]", "27.50 mm of 26 mm", "use keepout_um 285",
     [("keepout_um: 500", "keepout_um: 285")]),
    ([("gap_mm: 3.0", "gap_mm: 0.3")], "gap_mm", "gap 0.3 mm to the ASIC is inside the keep-out of 500 um",
     "raise gap_mm to 0.5 or use keepout_um 300", [("gap_mm: 0.3", "gap_mm: 0.5")]),
    ([("[100, 100]", "[36.2, 100]")], "substrate", "36.2 mm, 2 x (18.00 to its outer edge + 0.2 margin) = 36.40 mm",
     "raise substrate.size_mm[0] to 36.4 or lower gap_mm to 2.9", [("gap_mm: 3.0", "gap_mm: 2.9")]),
    ([("[100, 100]", "[36.2, 100]")], "substrate", "stands out of the substrate", "raise substrate.size_mm[0] to 36.4",
     [("[36.2, 100]", "[36.4, 100]")]),
    ([("[100, 100]", "[100, 100]}\ninterposer: {size_mm: [40, 30]")], "interposer",
     "ASIC stands out of the interposer: height 30 mm", "raise interposer.size_mm[1] to 31.1",
     [("[40, 30]", "[40, 31.1]")]),
    ([("[100, 100]", "[100, 100]}\ninterposer: {size_mm: [40, 41.9]"), ("count: 8 ", "mount: interposer\n  count: 8 ")],
     "interposer", "2 x (20.50 to its outer edge + 0.5 margin) = 42.00 mm needed",
     "raise interposer.size_mm[1] to 42", [("[40, 41.9]", "[40, 42]")]),
    ([("[100, 100]", "[100, 100]}\ninterposer: {size_mm: [30, 38]")], "interposer",
     "engine N1 stands 0.50 mm over the interposer, but mount is substrate, 0 allowed",
     "use mount: interposer or interposer.size_mm[1] 37", [("[30, 38]", "[30, 37]")]),
    ([keep_out("stiffener", "[5, 19.9, 8, 30]")], "box_mm", "keep-out 1 (stiffener) reaches 3.00 mm into the room that",
     "begin its left side at 8.15 (3.15 mm less)", [("[5, 19.9, 8, 30]", "[5, 50, 8, 60]")]),
    ([keep_out("capacitors", "[7.2, 19, 9, 20]", "over")], "box_mm",
     "reaches 0.80 mm into the room that the engine N2 needs", "begin its left side at 8 (0.8 mm less)",
     [("[7.2, 19, 9, 20]", "[8, 19, 9, 20]")]),
    ([keep_out("capacitors", "[13.005, -1, 14, 1]", "over")], "box_mm", "too close to it, which reaches to +/- 13",
     "10 um of room needed: [13.005, -1, 14, 1] mm; begin its left side at 13.01", [("[13.005,", "[13.01,")]),
    ([keep_out("lid", "[12, -3, 16, 3]")], "box_mm", "keep-out 1 (lid) lies on the ASIC or too close to it",
     "250 um of room needed: [12, -3, 16, 3] mm; begin its left side at 13.25",
     [("[12, -3, 16, 3]", "[13.25, -2, 16, 2]")]),
    ([keep_out("lid", "[3, -3, 3, 3]")], "box_mm", "has no area", "left < right",
     [("[3, -3, 3, 3]", "[30, -3, 33, 3]")]),
    ([keep_out("stiffener", "[40, 0, 51, 3]")], "box_mm", "reaches beyond the substrate of 100 x 100 mm",
     "keep it within +/- 50", [("[40, 0, 51, 3]", "[40, 0, 50, 3]")]),
    ([keep_out("socket", "[40, 60, 60, 131]", "over")], "box_mm",
     "keep-out 1 (socket) reaches to the connectors at the faceplate, 130 mm from the package's centre, 500 um",
     "end its top at 129.5 or move the faceplate out to 131.5 mm", [("60, 131]", "60, 129.5]")]),
    ([(PER_SIDE, GIVEN), AUTO, ("x_mm: 7, y_mm: 20", "x_mm: 7, y_mm: 16.4")], "y_mm: 16.4",
     "engine N2 stands -0.1 mm from the north edge of the ASIC, keep-out is 0.5 mm", "use y_mm 17",
     [("y_mm: 16.4", "y_mm: 17")]),
    ([(PER_SIDE, GIVEN), AUTO, ("x_mm: -7, y_mm: -20", "x_mm: -12, y_mm: -20")], "x_mm: -12",
     "engine S1 stands 0.50 mm beyond the south shoreline of 26 mm",
     "bring x_mm 0.5 mm nearer to 0 or raise asic.size_mm[0] by 1 mm", [("x_mm: -12", "x_mm: -11.5")]),
    ([(PER_SIDE, GIVEN), AUTO, ("x_mm: 18, y_mm: -6", "x_mm: 18, y_mm: 3")], "x_mm: 18, y_mm: 3",
     "engines E1 and E2 stand 0 um apart, keep-out is 500 um", "move one of them by 0.5 mm",
     [("x_mm: 18, y_mm: 3", "x_mm: 18, y_mm: 2.5")]),
    ([(PER_SIDE, GIVEN), AUTO, ("{side: east, x_mm: 18, y_mm: 6}", "{side: west, x_mm: 18, y_mm: 6}")],
     "side: west, x_mm: 18", "from the west edge of the ASIC", "use x_mm -14.5",
     [("{side: west, x_mm: 18, y_mm: 6}", "{side: west, x_mm: -14.5, y_mm: 0}")]),
    ([("size_mm: [26, 31]", "shoreline_mm: {north: 14, east: 31, south: 26, west: 31}\n  size_mm: [26, 31]")],
     "pitch_mm", "(2 - 1) x 12 + 3.000 = 15.00 mm of 14 mm",
     "raise asic.shoreline_mm.north by 1 mm or use pitch_mm 11", [("north: 14", "north: 15")]),
    ([("size_mm: [26, 31]", "shoreline_mm: {north: 28, east: 31, south: 26, west: 31}\n  size_mm: [26, 31]")],
     "shoreline_mm", "north shoreline of 28 mm is longer than the die's edge of 26 mm", "use at most 26",
     [("north: 28", "north: 26")]),
    ([("gap_mm: 3.0", "gap_mm: 1.4\n  mount: socket\n  carrier: {engines: 2}")], "carrier",
     "keep-out 0.5 + margin 1 = 1.5 mm, the gap to the ASIC is 1.4 mm", "raise gap_mm to 1.5 or use margin_mm 0.9",
     [("gap_mm: 1.4", "gap_mm: 1.5")]),
    ([("pitch_mm: 12.0", "pitch_mm: 6\n  mount: socket\n  carrier: {engines: 1}")], "pitch_mm",
     "3.000 mm + 2 x (keep-out 0.5 + margin 1 mm) + 0.2 mm = 6.200 mm needed",
     "raise pitch_mm to 6.2 or use carrier.margin_mm 0.9",
     [("carrier: {engines: 1}", "carrier: {engines: 1, margin_mm: 0.9}")]),
    ([("pitch_mm: 12.0", "pitch_mm: 22"),
      ("gap_mm: 3.0", "gap_mm: 3.5\n  mount: socket\n  carrier: {engines: 2, margin_mm: 3}")],
     "carrier", "boards carrier_1 (N1, N2) and carrier_2 (E1, E2) overlap, 200 um needed",
     "use margin_mm 2.65 or raise gap_mm by 0.7", [("gap_mm: 3.5\n", "gap_mm: 4.2\n")]),
    ([AUTO, (PER_SIDE, "  per_side: {north: 3, east: 2, south: 1, west: 2}\n  mount: socket\n"
      "  carrier: {engines: 2}\n")],
     "per_side", "3 engines in the north do not fill sub-assemblies of 2", "use 2 or 4 there",
     [("north: 3", "north: 2"), ("south: 1", "south: 2")]),
]  # fmt: skip


@pytest.mark.parametrize(("pairs", "line_has", "words", "cure", "relaxed"), CASES)
def test_refused_with_numbers_and_the_cure_cures(
    pairs: list[tuple[str, str]], line_has: str, words: str, cure: str, relaxed: list[tuple[str, str]]
) -> None:
    text = changed(*pairs)
    found = problems(text)
    assert any(words in p.message and cure in p.message for p in found), "\n".join(map(str, found))
    problem = next(p for p in found if words in p.message)
    assert line_has in text.splitlines()[problem.line - 1]
    assert "\n" not in problem.message
    for old, new in relaxed:
        assert old in text
        text = text.replace(old, new, 1)
    left = problems(text)
    assert not any(words in p.message for p in left), "\n".join(map(str, left))


def test_two_rows_are_proposed_where_one_is_too_long() -> None:
    auto = (AUTO, (PER_SIDE, PER_SIDE.replace("2", "5")), ("[100, 100]", "[200, 200]"), ("count: 8 ", "count: 20 "))
    text = changed(*auto, ("bandwidth_Tbps: 51.2", "bandwidth_Tbps: 128"), ("keepout_um: 500", "keepout_um: 250"))
    size = (2000.0, 6000.0)
    found = engine_problems(parse_spec(text, Path("p.yaml")), size)
    assert len(found) == 2  # north and south
    assert "(5 - 1) x 6.25 + 6.000 = 31.00 mm of 26 mm" in found[0].message
    assert "use rows: 2" in found[0].message
    two = text.replace("  gap_mm: 3.0", "  rows: 2\n  gap_mm: 3.0")
    assert engine_problems(parse_spec(two, Path("p.yaml")), size) == []


@pytest.mark.parametrize("name", ["switch_102t4", "switch_102t4_dr", "optical_io_ucie", "switch_51t2"])
def test_shorelines_taken_away_end_in_a_named_infeasibility(name: str) -> None:
    """The least shoreline is found, and a tenth of a millimetre less is refused with numbers."""
    spec = load_spec(name)
    size = {"switch_102t4": (1000.0, 4772.0), "switch_102t4_dr": (1120.0, 9344.0)}.get(name, (2000.0, 2994.0))

    def refusal(less: float) -> str:
        data = spec.model_dump(mode="json", exclude_none=True)
        sides = {s: round(shoreline_of(spec, s) - less, 3) for s in ("north", "east", "south", "west")}
        data["asic"]["shoreline_mm"] = sides
        try:
            trimmed = parse_spec(_yaml(data), Path("p.yaml"))
        except SpecError as error:
            return str(error)
        return "\n".join(str(p) for p in engine_problems(trimmed, size))

    assert refusal(0.0) == ""
    least = next(k / 10 for k in range(1, 300) if refusal(k / 10))
    assert re.search(r"(raise|longer|use) ", refusal(least))
    assert "mm" in refusal(least) and ("do not fit" in refusal(least) or "too few SerDes bumps" in refusal(least))
    if name != "switch_51t2":  # tuned to what they need
        assert least <= 1.0, least
        assert refusal(1.0)


def _yaml(data: dict[str, object]) -> str:
    import yaml

    return yaml.safe_dump(data, sort_keys=False)


def test_a_smaller_gap_is_proposed_by_what_it_brings_the_outermost_engine_nearer() -> None:
    """Two rows asked for, one engine a side: it stands in the first row."""
    pairs = (AUTO, (PER_SIDE, PER_SIDE.replace("2", "1")), ("count: 8 ", "rows: 2\n  count: 4 "))
    text = changed(*pairs, ("bandwidth_Tbps: 51.2", "bandwidth_Tbps: 25.6"), ("[100, 100]", "[100, 40]"))
    (found,) = engine_problems(parse_spec(text, Path("p.yaml")), SIZE)
    assert "2 x (20.50 to its outer edge + 0.2 margin) = 41.40 mm needed" in found.message
    assert found.message.endswith("raise substrate.size_mm[1] to 41.4 or lower gap_mm to 2.3")
    nearer = text.replace("gap_mm: 3.0", "gap_mm: 2.3")
    assert engine_problems(parse_spec(nearer, Path("p.yaml")), SIZE) == []


def test_no_die_is_proposed_that_a_spec_may_not_ask_for() -> None:
    text = changed(("pitch_mm: 12.0", "pitch_mm: 70"), ("[100, 100]", "[200, 200]"))
    found = engine_problems(parse_spec(text, Path("p.yaml")), SIZE)
    assert all("70 + 3.000 = 73.00 mm of" in p.message for p in found[:4])
    assert [p.message.partition("; ")[2] for p in found[:4]] == [f"use pitch_mm {v}" for v in (23, 28, 23, 28)]


def test_refusals_are_the_same_for_the_same_spec() -> None:
    text = changed(AUTO, (PER_SIDE, "  per_side: {north: 8}\n"))
    spec = parse_spec(text, Path("p.yaml"))
    assert engine_problems(spec, SIZE) == engine_problems(parse_spec(text, Path("p.yaml")), SIZE)
    assert len(place_engines(spec, SIZE)) == 8


def test_more_layers_than_there_may_be_are_not_proposed() -> None:
    text = changed(("connector: MPO-16", "connector: MPO-32\n  tx_per_connector: 1"), ("tx_fibres: 8", "tx_fibres: 16"))
    with pytest.raises(SpecError) as refused:
        parse_spec(text, Path("p.yaml"))
    message = next(p.message for p in refused.value.problems if "connectors too many" in p.message)
    assert "take 16 connectors MPO-32 of 1 + 1" in message
    assert message.endswith("levels is 1; use a larger connector or a larger tx_per_connector")
