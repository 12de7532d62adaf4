"""The lane map on the page: what it says of a whole map, of a broken one, and of names that are markup."""

from __future__ import annotations

from dataclasses import replace

from cpo_pdk.lanes.rows import ConnectorRow, FibreRow, LaneMap, LaneRow, MapProblem
from cpo_pdk.report.data import ReportData
from cpo_pdk.report.lane_section import SHOWN, lane_section
from cpo_pdk.report.page import page

ENGINE = "engine_<b>N1</b>"


def small_map() -> LaneMap:
    """One engine with one transmit and one receive lane."""

    def lane(direction: str, position: int, laser: int) -> LaneRow:
        return LaneRow(
            engine=ENGINE,
            direction=direction,
            port=1,
            channel=1,
            wl_um=1.31,
            serdes=f"{direction}_7",
            asic_x_um=0.0,
            asic_y_um=0.0,
            bump_x_um=1000.0,
            bump_y_um=2000.0,
            terminal="e1",
            trace_mm=3.0,
            device=f"{direction}_1/device",
            device_cell="ring_modulator",
            waveguide=f"{direction}_1/out",
            fibre=f"fibre_{direction}",
            connector="MPO-N1",
            position=position,
            laser_port=laser,
            laser_connector="ELS-1" if laser else "",
            laser_position=laser,
            module=1,
            bank=0,
            bank_lane=1,
        )

    def fibre(use: str, connector: str, position: int, length: float) -> FibreRow:
        return FibreRow(
            ENGINE,
            f"{use}_1",
            use,
            f"fibre_{use}",
            "FIBER",
            connector,
            "MPO-8",
            position,
            0,
            0,
            0,
            1e5,
            length,
            100,
            500,
        )

    held = {1: (ENGINE, "tx_1"), 8: (ENGINE, "rx_1")}
    return LaneMap(
        package="switch",
        lanes=(lane("tx", 1, 3), lane("rx", 8, 0)),
        fibres=(fibre("tx", "MPO-N1", 1, 110.0), fibre("rx", "MPO-N1", 8, 112.5), fibre("laser", "ELS-1", 3, 105.0)),
        connectors=(
            ConnectorRow("MPO-N1", "MPO-8", 1, 0.0, 1e5, held, 8, {"tx": 0.0, "rx": 0.0}),
            ConnectorRow("ELS-1", "ELS", 0, 0.0, 1e5, {3: (ENGINE, "laser_1")}, 8, {"laser": 0.0}),
        ),
        engines=(ENGINE,),
        spares=("engine_N2",),
        wl_um={"engine": (1.31,)},
        serdes={"tx": 8, "rx": 8},
    )


def test_a_whole_map_is_told_with_its_numbers() -> None:
    section = lane_section(small_map(), None)
    assert section is not None and section.closed and section.problems == ()
    assert section.summary == (
        "1 transmit and 1 receive lanes of 1 engine, 1 spare without fibres; 2 data fibres, 1 laser fibre to 1 "
        "laser module"
    )
    (line,) = section.engines
    assert (line.lanes, line.trace, line.fibres, line.length, line.slack) == (
        "1 + 1",
        "3.00",
        "1 + 1 + 1",
        "105.0 to 112.5",
        "5.0 to 12.5",
    )
    assert [(c.row, c.used) for c in section.connectors] == [("1", "2 of 8"), ("laser", "1 of 8")]
    assert "type B (crossed)" in section.cable and "order of a connector's fibres is kept" in section.cable
    assert section.lanes[0][3] == "tx_7" and section.lanes[0][9] == "ELS-1.3" and section.lanes[1][9] == "-"


def test_a_broken_map_lists_its_problems_and_counts_the_rest() -> None:
    problems = tuple(MapProblem("lane", f"problem {k}", float(k), 0.0) for k in range(SHOWN + 3))
    section = lane_section(replace(small_map(), problems=problems), None)
    assert section is not None and not section.closed
    assert (len(section.problems), section.more) == (SHOWN, 3)


def test_the_page_shows_the_map_and_names_stay_names(report_data: ReportData) -> None:
    text = page(replace(report_data, lane_map=small_map()), {"spectra": "", "insertion_loss": ""}, {}, b"")
    assert 'id="map"' in text and 'href="#map"' in text
    assert "engine_&lt;b&gt;N1&lt;/b&gt;" in text and ENGINE not in text
    assert "tx_7" in text and "11 00 00 00 00 00 00 00 11 00 00 00 00 00 00 00" in text
    without = page(report_data, {"spectra": "", "insertion_loss": ""}, {}, b"")
    assert 'id="map"' not in without and 'href="#map"' not in without
