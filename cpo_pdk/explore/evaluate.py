"""One design measured, the cheap first: what the spec says, where everything stands, then the package at work.

The package is drawn in memory exactly as it would be built, with all its engines and fibres; its circuit, budget,
energy and heat are those of `cpo build` at full load. Left out in the search, and done for every point that is
returned: writing the files, the checks on them, the loads idle and typical, the load step in time.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from cpo_pdk.analysis import Prepared
from cpo_pdk.assemblies.engines import measured_engine
from cpo_pdk.assemblies.planning import plan
from cpo_pdk.assemblies.release import draw
from cpo_pdk.assemblies.writing import canonical_layout
from cpo_pdk.circuit.extraction import extract
from cpo_pdk.circuit.layout_file import LayoutFile
from cpo_pdk.circuit.leaves import leaf_factories
from cpo_pdk.circuit.results import SimulationResult
from cpo_pdk.circuit.simulation import Simulator
from cpo_pdk.errors import CpoError
from cpo_pdk.explore.design import Design
from cpo_pdk.explore.evaluation import FAULT, STATE, Evaluation, Task, outside
from cpo_pdk.explore.measures import Subject, finite_dB, measure
from cpo_pdk.handover.reading import read_package
from cpo_pdk.link.budget import link_budget
from cpo_pdk.operation.gates import gates_of
from cpo_pdk.operation.operate import operate
from cpo_pdk.production import yield_of
from cpo_pdk.project import own_cells
from cpo_pdk.spec import PackageSpec, Sheet, load_sheets
from cpo_pdk.spec.part import Parts
from cpo_pdk.spec.part_choice import load_parts, parts_of

#: a design whose lanes miss the margin by so much without any heat is given up, dB
SLACK_DB = 3.0

_SHEETS: dict[Path | None, dict[str, Sheet]] = {}


def _sheets(project: Path | None) -> dict[str, Sheet]:
    """Sheets of the base, read once a process."""
    if project not in _SHEETS:
        _SHEETS[project] = load_sheets(project)
    return _SHEETS[project]


def evaluate(task: Task, design: Design) -> Evaluation:
    """Measure one design; what can't be made is an answer, not an error.

    Args:
        task: shared by all.
        design: the design.
    """
    start = time.perf_counter()
    found = _Steps(task, design)
    try:
        with own_cells(task.project, task.trust):
            found.run()
    except CpoError as error:
        reason = str(error).splitlines()[0].replace(design.name, "the design")
        return Evaluation(design.key, {}, found.stage, reason, {}, time.perf_counter() - start)
    except Exception as error:  # one design that cpo stumbles over does not end a study of hundreds
        reason = f"{FAULT}: {type(error).__name__}: {error}".splitlines()[0]
        return Evaluation(design.key, {}, found.stage, reason, {}, time.perf_counter() - start)
    return replace(found.result, seconds=time.perf_counter() - start)


class _Steps:
    """The steps of one evaluation; `stage` is the one that was begun last."""

    def __init__(self, task: Task, design: Design) -> None:
        self.task, self.design, self.stage = task, design, "spec"
        self.result = Evaluation(design.key, {}, "spec")

    def run(self) -> None:
        task, design = self.task, self.design
        spec, sheets = design.read(_sheets(task.project))
        parts = parts_of(spec, load_parts(task.project))
        self.stage = "plan"
        _, size = measured_engine(spec, sheets)
        engine_mm = (size[0] * 1e-3, size[1] * 1e-3)
        known = measure(Subject(spec, engine_mm))
        if any(outside(known[name], limit) for name, limit in task.limits.items() if name in known):
            self.result = Evaluation(design.key, known, "plan")
            return
        plan(spec, size)
        self.stage = "lanes"
        drawn = draw(spec, sheets)
        names = {drawn.package.name: spec.name, drawn.engine.name: f"{spec.name}_engine"}
        layout = canonical_layout(drawn.package, names)
        file = LayoutFile(Path(f"{spec.name}.gds"), layout, layout.top_cell())
        netlists = extract(file, leaf_factories(sheets))
        simulator = Simulator(file, sheets, netlists=netlists)
        simulation = simulator.under({})
        hopeless = self._hopeless(spec, parts, sheets, simulation)
        if hopeless is not None:
            self.result = Evaluation(design.key, {**known, "margin_dB": hopeless}, "lanes")
            return
        self.stage = "work"
        package = read_package(file)
        operation = operate(spec, parts, sheets, simulation, package, simulator.under, states=(STATE,), transient=False)
        state = operation[STATE]
        gates = {
            gate.key: f"{gate.key} {gate.value:.4g}, the spec requires {gate.limit:g}"
            for gate in gates_of(spec, (state,))
            if not gate.holds
        }
        if not state.converged:
            gates["rings_lost"] = f"the package does not settle: {state.reason}"
        known = measure(Subject(spec, engine_mm, state))
        broken = gates or any(outside(known[name], limit) for name, limit in task.limits.items() if name in known)
        if not task.yield_samples or broken:
            self.result = Evaluation(design.key, known, "work" if task.yield_samples else "done", "", gates)
            return
        prepared = Prepared(spec, parts, sheets, file, netlists, package, simulation, simulator=simulator)
        produced = yield_of(prepared, task.yield_samples, task.seed, state=state, project=task.project)
        known = measure(Subject(spec, engine_mm, state, produced))
        self.result = Evaluation(design.key, known, "done", "", gates)

    def _hopeless(
        self, spec: PackageSpec, parts: Parts, sheets: Mapping[str, Sheet], cold: SimulationResult
    ) -> float | None:
        """Least margin of one engine's lanes without heat, dB, where it is so low that heat can't be what keeps them.

        None otherwise, and where no margin is asked for.
        """
        limit = self.task.limits.get("margin_dB", (None, None))[0]
        if limit is None:
            return None
        first = cold.lanes[0].engine
        lanes = tuple(lane for lane in cold.lanes if lane.engine == first)
        budget = link_budget(spec, parts, sheets, replace(cold, lanes=lanes))
        least = finite_dB(min(lane.margin_dB for lane in budget.lanes))
        return least if least < limit - SLACK_DB else None
