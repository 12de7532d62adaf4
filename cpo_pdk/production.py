"""From a package at work to its production: sampled packages, their yield, what kills them, what a good one costs."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cpo_pdk.analysis import operate, prepare
from cpo_pdk.execution import Place, Work, open_pool, read, run
from cpo_pdk.output import result_folder
from cpo_pdk.project import project_of
from cpo_pdk.spec.part_choice import load_parts
from cpo_pdk.spec.production import Production
from cpo_pdk.spec.production_choice import ProductionSheets, production_sheets
from cpo_pdk.variation.process import mixing_of
from cpo_pdk.version import __version__
from cpo_pdk.yields.cost import Bill
from cpo_pdk.yields.gather import agains, alone_engine, compute_again, least_margin, sampled_of, what_ifs
from cpo_pdk.yields.histograms import histogram
from cpo_pdk.yields.limits import check_samples
from cpo_pdk.yields.maps import ring_map, wafer_map
from cpo_pdk.yields.model import PackageModel, model_of
from cpo_pdk.yields.plan import Plan
from cpo_pdk.yields.rare_engine import rare_engine
from cpo_pdk.yields.results import YieldResult
from cpo_pdk.yields.sampling import Order, sample_chunk
from cpo_pdk.yields.sensitivity import Sobol, sobol
from cpo_pdk.yields.summary import yield_result

if TYPE_CHECKING:
    from cpo_pdk.analysis import Prepared
    from cpo_pdk.operation.results import State

Say = Callable[[str], None]

#: packages that a worker computes at a time
CHUNK = 64
#: engines that what-if runs look at, and base samples of the variance-based indices
WHAT_IF_ENGINES, SOBOL_SAMPLES = 512, 128


@dataclass
class _Clock:
    """Wall time by stage."""

    say: Say
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str, words: str) -> Iterator[None]:
        self.say(words)
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - start


@dataclass(frozen=True)
class Produced:
    """A package that is ready to be sampled.

    Attributes:
        prepared: the package.
        sheets: of its production.
        state: whose temperatures are used.
        model: what workers get.
        digest: of everything that shapes the samples, but their number.
    """

    prepared: Prepared
    sheets: ProductionSheets
    state: State
    model: PackageModel
    digest: str

    @property
    def production(self) -> Production:
        """The spec's, with the spare engines that are drawn."""
        asked = self.prepared.spec.production
        drawn = self.prepared.simulation.counts.get("spares", 0) if self.model.whole else 0
        more = max(asked.spares.engines, drawn)
        return asked.model_copy(update={"spares": asked.spares.model_copy(update={"engines": more})})

    @property
    def bill(self) -> Bill:
        """What is in one package."""
        model, spec = self.model, self.prepared.spec
        share = len(model.engines) / spec.engines.count
        return Bill(
            engines=len(model.engines),
            laser_modules=len(model.modules),
            connectors=max(1, round(share * sum(c.level > 0 for c in self.prepared.package.connectors))),
            bandwidth_Tbps=spec.bandwidth_Tbps * min(share, 1.0),
            dies_per_wafer=max(1, len(model.process.dies_xy_mm())),
        )


def produced(
    prepared: Prepared,
    *,
    state: State | None = None,
    one_engine: bool = False,
    project: Path | None = None,
    progress: Say | None = None,
) -> Produced:
    """A package with all that its samples need.

    Args:
        prepared: see `analysis.prepare`.
        state: at work; computed when None.
        one_engine: the first engine alone.
        project: folder whose sheets win over those that ship.
        progress: called with a few words as each stage begins.

    Raises:
        SpecError: sheets of the production that are not there, or hold correlations that can't be.
        ModelError: devices that can't be computed.
    """
    say = progress or (lambda _line: None)
    spec = prepared.spec
    sheets = production_sheets(spec, load_parts(project or project_of(spec.origin)))
    mixing_of(sheets.variation)  # before the heat: correlations that can't be, tests that can't be made
    Plan.of(spec.production, sheets.test)
    if state is None:
        state = operate(prepared, say, transient=False)[spec.production.state]
    say("tabulating devices over their deviations")
    simulator = prepared.simulator
    assert simulator is not None, "analysis.prepare gives one"
    model = model_of(
        spec, prepared.parts, prepared.sheets, sheets, simulator, prepared.package, state, one_engine=one_engine
    )
    return Produced(prepared, sheets, state, model, _digest(prepared, sheets, state, one_engine))


def yield_of(
    prepared: Prepared,
    samples: int = 200,
    seed: int = 1,
    *,
    state: State | None = None,
    one_engine: bool = False,
    quick: bool = True,
    project: Path | None = None,
    progress: Say | None = None,
) -> YieldResult:
    """Yield of a package, in this process, without files or a map of a wafer; arguments: `yield_run`, `produced`."""
    check_samples(samples, seed)
    made = produced(prepared, state=state, one_engine=one_engine, project=project, progress=progress)
    order = Order(made.model, seed)
    chunks = [sample_chunk(order, np.arange(k, min(k + CHUNK, samples))) for k in range(0, samples, CHUNK)]
    columns = {name: np.concatenate([chunk[name] for chunk in chunks]) for name in chunks[0]}
    content = hashlib.sha256(b"".join(columns[name].tobytes() for name in sorted(columns))).hexdigest()
    clock = _Clock(progress or (lambda _line: None))
    return _composed(made, order, columns, samples, content, Place(1), quick, clock, mapped=False)


def yield_run(
    target: str | Path,
    spec: str | Path | None = None,
    *,
    samples: int = 1000,
    seed: int = 1,
    one_engine: bool = False,
    quick: bool = False,
    rare_dB: float | None = None,
    out: str | Path = "gds_out",
    place: Place | None = None,
    resume: bool = False,
    trust: bool = False,
    progress: Say | None = None,
    bar: Callable[[], AbstractContextManager[Callable[[int, int], None]]] | None = None,
) -> tuple[YieldResult, Path, bool]:
    """Sample a package and write what comes out to `out/<name>_yield/`.

    Args:
        target, spec, trust: see `analysis.prepare`.
        samples: packages.
        seed: of all random streams.
        one_engine: draw the first engine alone.
        quick: leave what-if runs and sensitivity out.
        rare_dB: also ask how rarely an engine has a lane of less margin than this, by subset simulation.
        out: folder of results.
        place: who computes; this process when None.
        resume: go on with what an earlier run of the same inputs has left.
        progress: called with a few words as each stage begins.
        bar: makes what shows samples done and asked for while they are drawn.

    Returns:
        what came out, its folder, and whether the run was interrupted: fewer samples are in it then.

    Raises:
        InputError: numbers, spec or sheets that can't be used; a place that can't be reached.
        LayoutError, AssemblyError, ModelError: as `analysis.prepare`.
        OutputError: the folder can't be written.
    """
    from cpo_pdk.report.yield_files import write_yield  # matplotlib

    check_samples(samples, seed)
    place = place or Place(1)
    place.check()
    clock = _Clock(progress or (lambda _line: None))
    with clock.stage("prepare", "reading and drawing"):
        prepared = prepare(target, spec, progress=progress, trust=trust)
    folder = result_folder(out, f"{prepared.spec.name}_yield")
    with clock.stage("operate", "the package at work"):
        made = produced(prepared, one_engine=one_engine, progress=progress)
    order = Order(made.model, seed)
    digest = hashlib.sha256(f"{made.digest} {seed}".encode()).hexdigest()
    with clock.stage("sample", f"sampling {samples} packages" if bar is None else ""):
        work = Work(sample_chunk, order, samples, digest, made.model.name, chunk=CHUNK)
        with nullcontext() if bar is None else bar() as tell:
            outcome = run(work, folder / "samples", place, resume=resume, progress=tell)
        columns = read(folder / "samples")
    result = _composed(
        made, order, columns, samples, outcome.digest, place, quick or outcome.interrupted, clock, notes=outcome.notes
    )
    if rare_dB is not None and not outcome.interrupted:
        with clock.stage("rare", f"how rarely a lane has less than {rare_dB:g} dB"):
            found = rare_engine(made.model, rare_dB, seed)
        result = replace(result, rare=found.probability, rare_dB=rare_dB)
    with clock.stage("report", "writing the report"):
        result = replace(result, seconds=dict(clock.seconds))
        write_yield(result, folder)
    return result, folder, outcome.interrupted


def _composed(
    made: Produced,
    order: Order,
    columns: dict[str, np.ndarray],
    asked: int,
    digest: str,
    place: Place,
    quick: bool,
    clock: _Clock,
    notes: tuple[str, ...] = (),
    mapped: bool = True,
) -> YieldResult:
    """Everything that is said of sampled packages; `mapped`: all dies of one wafer too, some thousand more circuits."""
    model, spec = made.model, made.prepared.spec
    samples = len(columns["margin_dB"])
    fixed, alone, indices = {}, {}, None
    wafer = None
    if mapped:
        with clock.stage("wafer", "the dies of one wafer, for its map"):
            wafer = wafer_map(model, order.seed, spec.production.margin_dB)
    if not quick:
        with clock.stage("what if", "what each cause does"):
            rows = range(min(samples, max(1, WHAT_IF_ENGINES // len(model.engines))))
            with open_pool(compute_again, order, place) as pool:
                fixed, alone = agains(pool.each(what_ifs(rows)))
        with clock.stage("sensitivity", "variance-based sensitivity"):
            indices = _sobol(model, order.seed)
    with clock.stage("compose", "engines, packages, spares, life and cost"):
        sampled = sampled_of(model, order.seed, columns, fixed, alone)
        return yield_result(
            sampled,
            name=model.name,
            state=made.state.name,
            production=made.production,
            sheets=made.sheets,
            bill=made.bill,
            digest=digest,
            asked=asked,
            notes=(*made.prepared.notes, *model.notes, *_assumed(made, bool(fixed)), *notes),
            gate_pct=spec.require.yield_pct if model.whole or spec.engines.count == 1 else None,
            sobol=None if indices is None else indices.indices,
            rings=ring_map(model, columns["held"], columns["heater_mW"]),
            wafer=wafer,
            losses=(
                histogram("loss of transmit lanes on the engine", "dB", _of(columns["loss_dB"], model, True)),
                histogram("loss of receive lanes on the engine", "dB", _of(columns["loss_dB"], model, False)),
            ),
            seconds=dict(clock.seconds),
            engine_C=[made.state.temperatures.engines_C[engine.name] for engine in model.engines],
            laser_C=spec.thermal.laser_case_C,
            fibres=len(model.cells[model.engines[0].cell].attach.ports),
        )


def _assumed(made: Produced, computed_again: bool) -> list[str]:
    """What has to be known of tests, what-ifs and of one engine in place of a package."""
    found = []
    if not made.model.whole and (count := made.prepared.spec.engines.count) > 1:
        found.append(
            f"one engine of {count}: a package here has this engine alone, a good Tb/s pays a whole switch die and "
            "substrate, and require.yield_pct isn't asked; leave --one-engine out for those"
        )
    repairs = made.sheets.test["repairs"]
    if repairs:
        found.append(f"{made.sheets.test.name}: engines can be exchanged, {repairs:g} in a package at most")
    if not computed_again:
        found.append(
            "what kills: a dB that is lost before the chip counts as a dB; computed without --quick, it is less where "
            "strong light absorbs itself"
        )
    return found


def _of(values: np.ndarray, model: PackageModel, transmit: bool) -> np.ndarray:
    sends = model.cells[model.engines[0].cell].transmit
    return values[:, :, sends if transmit else ~sends]


def _sobol(model: PackageModel, seed: int) -> Sobol:
    one = alone_engine(model)
    return sobol(lambda draw: least_margin(one, draw), SOBOL_SAMPLES, seed)


def _digest(prepared: Prepared, sheets: ProductionSheets, state: State, one_engine: bool) -> str:
    """Of everything that shapes the samples, but seed and number."""
    mixed = hashlib.sha256()
    devices = [sheet.model_dump_json() for _, sheet in sorted(prepared.sheets.items())]
    parts = [part.model_dump_json() for part in (*prepared.parts.each().values(), *sheets.each().values())]
    for text in (
        __version__,
        prepared.netlists.to_json(),
        prepared.spec.model_dump_json(),
        *devices,
        *parts,
        state.name,
        str(one_engine),
    ):
        mixed.update(hashlib.sha256(text.encode()).digest())
    return mixed.hexdigest()
