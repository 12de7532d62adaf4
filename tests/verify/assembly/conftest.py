"""A small package drawn with KLayout's database alone, and the package that ships, to be spoilt in one place."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import klayout.db as kdb
import pytest

from cpo_pdk.circuit.layout_file import LayoutFile, read_layout
from cpo_pdk.spec import load_sheets, load_spec
from cpo_pdk.spec.package import PackageSpec, PerSide
from cpo_pdk.tech.layers import layer_of
from cpo_pdk.tech.rules import Rule, load_rules
from cpo_pdk.verify.assembly.run import assembly_layout
from cpo_pdk.verify.findings import CheckResult, Violation

LENGTH, WIDTH, PITCH = 1500.0, 962.0, 127.0
COUPLERS = 6
#: where the fibres end, um from the middle
PLATE = 60_000.0
Route = tuple[str, list[tuple[float, float]]]
Box = tuple[float, float, float, float]
#: rows of serial links along all four sides of the switch die
ALL_SIDES = [
    (-4000, 3500, 4000, 4000),
    (-4000, -4000, 4000, -3500),
    (-4000, -3500, -3500, 3500),
    (3500, -3500, 4000, 3500),
]


def s_bend(x: float, y: float, length: float, aside: float) -> list[tuple[float, float]]:
    """Points north along an S-bend that begins and ends straight, um."""
    steps = [k / 64 for k in range(65)]
    return [(x + aside * (t - math.sin(2 * math.pi * t) / (2 * math.pi)), y + length * t) for t in steps]


@dataclass
class Small:
    """Two engines north of a switch die, six fibres each: two from lasers, four with data. Lengths in um.

    Nothing in it has a name or a port. Change what is to be wrong, then ask for its `file`.
    """

    engines: list[kdb.DCplxTrans] = field(
        default_factory=lambda: [kdb.DCplxTrans(1, 90, False, x + WIDTH / 2, 7000) for x in (-3000, 3000)]
    )
    asic: Box = (-4000, -4000, 4000, 4000)
    shoreline: list[Box] = field(default_factory=lambda: [*ALL_SIDES])
    substrate: Box | None = (-20000, -20000, 20000, 20000)
    keepouts: list[Box] = field(
        default_factory=lambda: [(x - WIDTH / 2 - 500, 6500, x + WIDTH / 2 + 500, 9000) for x in (-3000, 3000)]
    )
    fibres: list[Route] = field(default_factory=lambda: [f for x in (-3000, 3000) for f in fibres_of(x)])
    #: the layers of the connectors are in `rows`; CONNECTOR where these are not as many
    connectors: list[Box] = field(
        default_factory=lambda: [
            box
            for x in (-3000, 3000)
            for box in ((x - 1300, PLATE, x + 900, PLATE + 8000), (x + 2100, PLATE, x + 3300, PLATE + 8000))
        ]
    )
    rows: list[str] = field(default_factory=lambda: 2 * ["CONNECTOR", "CONNECTOR_PM"])
    #: ends of the couplers: (y, how far beyond the edge) in the cell of the engine
    tips: list[tuple[float, float]] = field(default_factory=lambda: [(163.5 + k * PITCH, 0.0) for k in range(COUPLERS)])
    bumps: list[tuple[float, float]] = field(
        default_factory=lambda: [(300 + 50 * i, 200 + 63.5 * j) for i in range(20) for j in range(9)]
    )
    eic: Box | None = (150, 100, 1400, 862)
    asic_bumps: list[tuple[float, float]] = field(
        default_factory=lambda: [(-3640 + 260 * i, -3640 + 260 * j) for i in range(29) for j in range(6)]
    )
    #: further shapes: (layer, box or polygon, in the engine's cell?)
    extra: list[tuple[str, Box, bool]] = field(default_factory=list)
    flat: bool = False

    def with_(self, **changes: Any) -> Small:
        """A copy with other parts."""
        return replace(self, **changes)

    def stacked(self, aside: float = 0.0, level: int = 2) -> Small:
        """Each engine's data fibres in two ribbons above one another, with their connectors; a laser module for both.

        Args:
            small: the package.
            aside: how far the upper ribbon of the western engine is led to the east, um.
            level: layer that it lies in.
        """
        fibres: list[Route] = []
        for x in (-3000, 3000):
            for k in range(COUPLERS):
                at = x + WIDTH / 2 - 163.5 - k * PITCH
                upper = aside if x < 0 else 0.0
                end = [(1.5 if x > 0 else -0.5) * PITCH - k * PITCH, at, at + 2 * PITCH + upper][k // 2]
                layer = ["FIBER_PM", "FIBER", f"FIBER_{level if x < 0 else 2}"][k // 2]
                points = [(at, 8500.0), (at, 9500.0), *s_bend(at, 10_000.0, 40_000.0, end - at), (end, PLATE - 500)]
                fibres.append((layer, [*points, (end, PLATE)]))
        bodies = [("CONNECTOR_PM", 0.0), ("CONNECTOR", -3000.0), ("CONNECTOR", 3000.0)]
        bodies += [(f"CONNECTOR_{level}", -3000.0 + aside), ("CONNECTOR_2", 3000.0)]
        boxes = [(x - 1000.0, PLATE, x + 1000.0, PLATE + 8000) for _, x in bodies]
        return self.with_(fibres=fibres, connectors=boxes, rows=[row for row, _ in bodies])

    def moved(self, engine: int, x: float, y: float) -> Small:
        """One engine moved, everything else where it was."""
        engines = list(self.engines)
        engines[engine] = kdb.DCplxTrans(x, y) * engines[engine]
        return self.with_(engines=engines)

    @property
    def file(self) -> LayoutFile:
        """The drawing, as if it had been read."""
        layout = kdb.Layout()
        layout.dbu = 0.001
        top, engine, frame = (layout.create_cell(name) for name in ("small", "engine", "frame"))
        dot, ball, die = (layout.create_cell(name) for name in ("dot", "ball", "die"))

        def draw(cell: kdb.Cell, layer: str, shape: Any) -> None:
            cell.shapes(layout.layer(*layer_of(layer))).insert(kdb.DBox(*shape) if isinstance(shape, tuple) else shape)

        draw(frame, "FLOORPLAN", (0, 0, LENGTH, WIDTH))
        draw(frame, "WG", (30, 55, 90, 65))
        engine.insert(kdb.DCellInstArray(frame.cell_index(), kdb.DTrans()))
        if self.tips:
            draw(engine, "DEEPTRENCH", (LENGTH, 100, LENGTH + 20, WIDTH - 100))
        for y, beyond in self.tips:
            draw(engine, "WG", (LENGTH - 100, y - 0.075, LENGTH + beyond, y + 0.075))
        draw(dot, "BUMP", (-9, -9, 9, 9))
        for x, y in self.bumps:
            engine.insert(kdb.DCellInstArray(dot.cell_index(), kdb.DTrans(float(x), float(y))))
        if self.eic:
            draw(engine, "EIC", self.eic)
        draw(die, "ASIC", self.asic)
        for box in self.shoreline:
            draw(die, "SHORELINE", box)
        draw(ball, "ASIC_BUMP", (-39, -39, 39, 39))
        for x, y in self.asic_bumps:
            die.insert(kdb.DCellInstArray(ball.cell_index(), kdb.DTrans(float(x), float(y))))
        top.insert(kdb.DCellInstArray(die.cell_index(), kdb.DTrans()))
        for trans in self.engines:
            top.insert(kdb.DCellInstArray(engine.cell_index(), trans))
        if self.substrate:
            draw(top, "SUBSTRATE", self.substrate)
        for box in self.keepouts:
            draw(top, "KEEPOUT", box)
        count = len(self.connectors)
        for row, box in zip(
            self.rows if len(self.rows) == count else ["CONNECTOR"] * count, self.connectors, strict=True
        ):
            draw(top, row, box)
        for layer, points in self.fibres:
            draw(top, layer, kdb.DPath([kdb.DPoint(*p) for p in points], 125.0).polygon())
        for layer, shape, in_engine in self.extra:
            draw(engine if in_engine else top, layer, shape)
        if self.flat:
            top.flatten(True)
        for cell in [layout.cell(index) for index in layout.each_cell_bottom_up()]:
            if cell.is_top() and cell.cell_index() != top.cell_index():
                layout.prune_cell(cell.cell_index(), -1)
        return LayoutFile(Path("small.gds"), layout, top)

    def check(self, spec: PackageSpec | None = None) -> CheckResult:
        """The rules of the package on it."""
        return assembly_layout(self.file, spec=spec)

    def broken(self) -> set[str]:
        """Names of the rules that it breaks."""
        return set(self.check().by_rule)

    def said(self, rule: str) -> list[Violation]:
        """What one rule has to say about it."""
        return [violation for violation in self.check().violations if violation.rule == rule]


def fibres_of(x: float) -> list[Route]:
    """The fibres of an engine north of the die, from its southernmost coupler (in the east) on."""
    found: list[Route] = []
    for k in range(COUPLERS):
        at = x + WIDTH / 2 - 163.5 - k * PITCH
        aside = 2500.0 - 127.0 if k < 2 else 0.0
        points = [(at, 8500.0), (at, 9500.0), *s_bend(at, 10_000.0, 40_000.0, aside), (at + aside, PLATE - 500)]
        found.append(("FIBER_PM" if k < 2 else "FIBER", [*points, (at + aside, PLATE)]))
    return found


def changed(model: Any, path: str, value: Any) -> Any:
    """A frozen model with one value changed, by its dotted path."""
    first, _, rest = path.partition(".")
    inner = changed(getattr(model, first), rest, value) if rest else value
    return model.model_copy(update={first: inner})


@pytest.fixture(scope="session")
def asked(shipped: PackageSpec) -> Callable[..., PackageSpec]:
    """What the small package would be asked for with, and values changed by dotted path (`__` for the dots)."""

    def spec(**more: Any) -> PackageSpec:
        per_side = PerSide(north=2)
        wanted = {
            "asic__size_mm": (8.0, 8.0),
            "asic__shoreline_um": 500.0,
            "substrate__size_mm": (40.0, 40.0),
            "engines__count": 2,
            "engines__per_side": per_side,
            "engines__pitch_mm": 6.0,
            "engines__gap_mm": 3.0,
            **more,
        }
        found = shipped
        for path, value in wanted.items():
            found = changed(found, path.replace("__", "."), value)
        return found

    return spec


@pytest.fixture
def small() -> Small:
    return Small()


@pytest.fixture(scope="session")
def rule() -> Callable[[str], Rule]:
    """A rule of the process by its name."""
    return lambda name: next(rule for rule in load_rules(group="assembly") if rule.name == name)


@pytest.fixture(scope="session")
def shipped() -> PackageSpec:
    package = load_spec("switch_51t2")  # with dies as small as their devices allow
    return package.model_copy(update={"engine": package.engine.model_copy(update={"die_mm": None})})


@pytest.fixture(scope="session")
def package_gds(tmp_path_factory: pytest.TempPathFactory, shipped: PackageSpec) -> Path:
    """The package that ships, drawn."""
    assemblies = pytest.importorskip("cpo_pdk.assemblies")
    folder = tmp_path_factory.mktemp("package")
    return assemblies.write_package(shipped, folder, load_sheets()).package_gds


@dataclass
class Spoilt:
    """The package that ships, changed by hand."""

    path: Path
    spec: PackageSpec
    file: LayoutFile = field(init=False)

    def __post_init__(self) -> None:
        self.file = read_layout(self.path)

    def instance(self, name: str) -> kdb.Instance:
        """An instance of the top cell by the name that kfactory gave it."""
        return next(inst for inst in self.file.top.each_inst() if inst.property(0) == name)

    def move(self, name: str, x: float, y: float) -> None:
        """Move an instance by um."""
        self.instance(name).transform(kdb.DTrans(float(x), float(y)))

    def draw(self, layer: str, box: Box) -> None:
        """Draw a box in the top cell, um."""
        self.file.top.shapes(self.file.layout.layer(*layer_of(layer))).insert(kdb.DBox(*box))

    def check(self, *, asked: bool = True) -> CheckResult:
        """The rules of the package on it, with or without its spec."""
        return assembly_layout(self.file, spec=self.spec if asked else None)

    def said(self, name: str, *, asked: bool = True) -> list[Violation]:
        """What one rule has to say about it."""
        return [violation for violation in self.check(asked=asked).violations if violation.rule == name]


@pytest.fixture
def spoilt(package_gds: Path, shipped: PackageSpec) -> Spoilt:
    return Spoilt(package_gds, shipped)
