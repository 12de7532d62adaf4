"""Two small packages, one of them with a spare, drawn once, and the means to spoil a copy of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import klayout.db as kdb
import pytest

from cpo_pdk.assemblies import write_package
from cpo_pdk.lanes.reading import lane_map_of
from cpo_pdk.lanes.rows import LaneMap
from cpo_pdk.spec import load_sheets
from cpo_pdk.spec.loading import parse_spec

TINY = """
name: {name}
bandwidth_Tbps: {package}
asic: {{size_mm: [8, 8], power_W: 20}}
substrate: {{size_mm: [40, 40]}}
engines: {engines}
engine:
  architecture: {architecture}
  bandwidth_Tbps: {engine}
  tx_fibres: {fibres}
  rx_fibres: {fibres}
  laser_fibres: 1
  loopbacks: 1
  lane_rate_Gbps: 100
  modulation: PAM4
  grid: {grid}
laser: {{connector: ELS, per_wavelength_dBm: 15}}
fibres: {{bend_radius_mm: 10}}
faceplate: {{distance_mm: 80, connector: MPO-12}}
"""
#: one wavelength a fibre, four fibres; two wavelengths a fibre, two fibres, and a spare engine
GRIDS = {
    "single": (
        "ring_dr",
        4,
        "{standard: custom, center_nm: 1310, channels: 1}",
        "{count: 2, per_side: {north: 1, east: 1}}",
    ),
    "pair": (
        "ring_wdm",
        2,
        "{standard: custom, center_nm: 1310, channels: 2, spacing_GHz: 400}",
        "{count: 2, spares: 1, per_side: {north: 1, east: 1, west: 1}}",
    ),
}
Edit = Callable[[kdb.Layout], None]


def spec_text(name: str) -> str:
    """The spec of one of the small packages."""
    architecture, fibres, grid, engines = GRIDS[name]
    return TINY.format(
        name=name, architecture=architecture, fibres=fibres, grid=grid, engines=engines, engine=0.4, package=0.8
    )


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """Name -> GDS of a small package; `engine.gds` lies beside it."""
    found = {}
    for name in GRIDS:
        folder = tmp_path_factory.mktemp(name)
        found[name] = write_package(parse_spec(spec_text(name)), folder, load_sheets()).package_gds
    return found


@pytest.fixture(scope="session")
def maps(drawn: Mapping[str, Path]) -> Mapping[str, LaneMap]:
    """Name -> lane map of a small package."""
    return {name: lane_map_of(gds) for name, gds in drawn.items()}


@pytest.fixture
def spoiled(drawn: Mapping[str, Path], tmp_path: Path) -> Callable[[str, Edit], LaneMap]:
    """Gives the lane map of an edited copy of a small package."""

    def make(name: str, edit: Edit) -> LaneMap:
        layout = kdb.Layout()
        layout.read(str(drawn[name]))
        edit(layout)
        for cell in layout.top_cells():
            if cell.name != name:  # nothing places it any more
                layout.prune_cell(cell.cell_index(), -1)
        gds = tmp_path / f"{name}.gds"
        layout.write(str(gds))
        return lane_map_of(gds)

    return make


class Edits:
    """Ways to spoil a package."""

    @staticmethod
    def instance(layout: kdb.Layout, name: str) -> kdb.Instance:
        """A named instance of the top cell."""
        return next(inst for inst in Edits.top(layout).each_inst() if inst.property(0) == name)

    @staticmethod
    def top(layout: kdb.Layout) -> kdb.Cell:
        """The package, whatever else nothing places any more."""
        return max(layout.top_cells(), key=lambda cell: cell.child_instances())

    @staticmethod
    def far_end(inst: kdb.Instance) -> kdb.DCplxTrans:
        """Where a fibre ends in the package, and where it points to."""
        for item in inst.cell.each_meta_info():
            if item.name.startswith("kfactory:ports:") and item.value["name"] == "o2":
                place = item.value.get("trans")
                local = kdb.DCplxTrans(place.to_dtype(0.001)) if place is not None else item.value["dcplx_trans"]
                return inst.dcplx_trans * local
        raise AssertionError("no port o2")

    def lead_to(self, layout: kdb.Layout, name: str, end: kdb.DCplxTrans) -> None:
        """Draw a fibre anew, straight from where it begins to another end."""
        inst = self.instance(layout, name)
        old = inst.cell
        cell = layout.create_cell(f"{old.name}_led_elsewhere")
        local = inst.dcplx_trans.inverted() * end
        point = kdb.DPoint(local.disp.x, local.disp.y)
        length = point.distance(kdb.DPoint())
        cell.shapes(layout.layer(310, 0)).insert(kdb.DPath([kdb.DPoint(), point], 125.0))
        for item in old.each_meta_info():
            value = item.value
            if item.name.startswith("kfactory:ports:") and value["name"] == "o2":
                value = {k: v for k, v in value.items() if k not in ("trans", "dcplx_trans")}
                value["trans"] = kdb.Trans(
                    round(local.angle / 90) % 4, False, round(point.x * 1000), round(point.y * 1000)
                )
            elif item.name == "kfactory:info":
                value = {**value, "length": length}
            cell.add_meta_info(kdb.LayoutMetaInfo(item.name, value, item.description, item.persisted))
        inst.cell_index = cell.cell_index()

    def swap_fibres(self, first: str, second: str) -> Edit:
        """An edit that leads two fibres to each other's connector position."""

        def edit(layout: kdb.Layout) -> None:
            ends = self.far_end(self.instance(layout, first)), self.far_end(self.instance(layout, second))
            self.lead_to(layout, first, ends[1])
            self.lead_to(layout, second, ends[0])

        return edit

    @staticmethod
    def airwires(layout: kdb.Layout) -> list[kdb.Shape]:
        """The traces of a package."""
        return list(Edits.top(layout).shapes(layout.layer(320, 0)).each())

    def move_end(self, found: LaneMap, serdes: str, to: tuple[float, float]) -> Edit:
        """An edit that leads the airwire of a serial lane to another place in the package, um."""
        row = next(r for r in found.lanes if r.serdes == serdes)

        def edit(layout: kdb.Layout) -> None:
            for shape in self.airwires(layout):
                points = [(round(p.x, 3), round(p.y, 3)) for p in shape.dpath.each_point()]
                if (row.asic_x_um, row.asic_y_um) in points:
                    shape.dpath = kdb.DPath(
                        [kdb.DPoint(row.asic_x_um, row.asic_y_um), kdb.DPoint(*to)], shape.dpath.width
                    )

        return edit


@pytest.fixture
def edits() -> Edits:
    """Ways to spoil a package."""
    return Edits()
