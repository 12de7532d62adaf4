"""From what was computed to what is said of it: verdicts, front, limits, volume covered."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from cpo_pdk.explore.design import Base
from cpo_pdk.explore.evaluation import FAULT, STATE
from cpo_pdk.explore.front import costs, covered, undominated
from cpo_pdk.explore.limits import Held, limits_of
from cpo_pdk.explore.measures import MEASURES
from cpo_pdk.explore.search import Known
from cpo_pdk.explore.study import Study
from cpo_pdk.report.explore_data import Axis, Built, Exploration, Limit, Point, Verdict

#: digits of a volume
_DIGITS = 9


@dataclass
class Work:
    """What is known so far.

    Attributes:
        study, base: what is searched.
        found: designs in the order of asking; `again` of them were computed before.
        built: number -> what its build gave; `chosen` those that make up the front of the search.
        complete: False after an interrupt.
        notes: for the reader, one line each.
        seconds: by stage.
    """

    study: Study
    base: Base
    found: list[Known] = field(default_factory=list)
    built: dict[int, Built] = field(default_factory=dict)
    chosen: list[int] = field(default_factory=list)
    again: int = 0
    complete: bool = True
    notes: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)


def result_of(work: Work) -> Exploration:
    """All that is known, as the page, the tables and the command line want it.

    Args:
        work: what was done.
    """
    study = work.study
    front = _front(work)
    points = tuple(_point(work, one, one.number in front) for one in work.found)
    feasible = [one for one in work.found if one.feasible]
    ideal, nadir, volumes = _volumes(work, feasible)
    carried = {name for one in work.found for name in one.evaluation.measures} | set(study.objectives)
    return Exploration(
        name=study.name,
        base=study.base,
        sampler=study.sampler,
        seed=study.seed,
        variables=tuple(_variable(study, name) for name in study.variables),
        objectives=tuple(_axis(name, study.objectives[name]) for name in study.objectives),
        measures=tuple(_axis(name, study.objectives.get(name, "")) for name in MEASURES if name in carried),
        limits=_limits(work),
        points=points,
        front=tuple(front),
        asked=study.designs,
        hypervolume=volumes,
        ideal=ideal,
        nadir=nadir,
        difference=_difference(work),
        notes=tuple(dict.fromkeys([*_standing_notes(study), *work.notes, *_faults(work)])),
        digest=_digest(points),
        complete=work.complete,
        seconds={name: round(value, 3) for name, value in work.seconds.items()},
    )


def _front(work: Work) -> list[int]:
    """Numbers of the built and clean points that no other one beats, best first by the first objective.

    Without builds (`build: 0`): of the search.
    """
    study = work.study
    if study.build:
        rows = [(number, work.built[number].measures) for number in work.chosen if number in work.built]
        measures = {one.number: one.evaluation.measures for one in work.found}
        kept = [(number, {**measures[number], **own}) for number, own in rows if work.built[number].clean]
    else:
        kept = [(one.number, one.evaluation.measures) for one in work.found if one.feasible]
    if not kept:
        return []
    values = costs([own for _, own in kept], study.objectives)
    best = [(tuple(row), number) for row, (number, _), ok in zip(values, kept, undominated(values), strict=True) if ok]
    return [number for _, number in sorted(best)]


def _point(work: Work, one: Known, front: bool) -> Point:
    evaluation = one.evaluation
    verdict: Verdict = "feasible" if one.feasible else "refused" if evaluation.reason else "violates"
    return Point(
        number=one.number,
        key=one.design.key,
        generation=one.generation,
        values=one.values,
        measures=evaluation.measures,
        verdict=verdict,
        stage=evaluation.stage,
        reason=evaluation.reason or "; ".join(one.broken.values()),
        broken=tuple(one.broken),
        front=front,
        built=work.built.get(one.number),
        seconds=round(evaluation.seconds, 3),
    )


def _volumes(work: Work, feasible: Sequence[Known]) -> tuple[tuple[float, ...], tuple[float, ...], tuple[float, ...]]:
    """Best and worst of each objective, and the share of the space covered after each generation."""
    study = work.study
    if not feasible:
        return (), (), ()
    values = costs([one.evaluation.measures for one in feasible], study.objectives)
    ideal, nadir = values.min(axis=0), values.max(axis=0)
    last = max(one.generation for one in work.found)
    born = np.array([one.generation for one in feasible])
    volumes = tuple(round(covered(values[born <= number], ideal, nadir), _DIGITS) for number in range(last + 1))
    signs = [1.0 if direction == "minimize" else -1.0 for direction in study.objectives.values()]
    return tuple((ideal * signs).tolist()), tuple((nadir * signs).tolist()), volumes


def _limits(work: Work) -> tuple[Limit, ...]:
    """Every limit, with how many points broke it, and how many of them no other."""
    study, done = work.study, [one for one in work.found if not one.evaluation.reason]
    limits = limits_of(study, work.base)
    found = []
    for name in dict.fromkeys([*limits, *(name for one in done for name in one.broken)]):
        held = limits.get(name, Held(None, None, "the package settles"))
        kept_out = [one for one in done if name in one.broken]
        alone = sum(len(one.broken) == 1 for one in kept_out)
        found.append(Limit(name, held.low, held.high, held.source, len(kept_out), alone))
    return tuple(found)


def _difference(work: Work) -> dict[str, float]:
    """Measure -> largest difference between search and build."""
    measures = {one.number: one.evaluation.measures for one in work.found}
    found: dict[str, float] = {}
    for number, built in work.built.items():
        for name, value in built.measures.items():
            if name in measures[number]:
                found[name] = max(found.get(name, 0.0), abs(value - measures[number][name]))
    return found


def _standing_notes(study: Study) -> list[str]:
    notes = [
        f"in the search a design is drawn in memory and computed at {STATE} load; files, checks, the other loads and "
        "the step between them are computed for the points that are built",
        "a design that breaks a limit before it is known in full is not computed further; a margin more than 3 dB too "
        "low without heat, in one engine, counts as such",
        "a ring modulator whose shape was changed is driven at the detuning with its largest modulation, computed anew",
    ]
    if study.produces:
        notes.append(
            f"yield and cost rest on {study.yield_samples} packages a design, the same random numbers for all of them"
        )
    return notes


def _faults(work: Work) -> list[str]:
    stumbled = [one for one in work.found if one.evaluation.reason.startswith(FAULT)]
    if not stumbled:
        return []
    first = stumbled[0]
    return [f"{len(stumbled)} designs were not computed; design {first.number}: {first.evaluation.reason}"]


def _axis(name: str, direction: str) -> Axis:
    one = MEASURES[name]
    return Axis(name, one.unit, one.words, direction=direction)  # type: ignore[arg-type]


def _variable(study: Study, name: str) -> Axis:
    one = study.variables[name]
    unit = one.path.rpartition("_")[2] if one.path and one.path.rpartition("_")[2] in _UNITS else ""
    if one.path and ".geometry." in one.path and not one.labels:
        unit = "um"
    return Axis(name, unit, one.words, one.path or "", "", one.labels, one.low, one.high)


_UNITS = ("um", "mm", "nm", "GHz", "Gbps", "Tbps", "dBm", "W", "mW", "dB", "C")


def _digest(points: Sequence[Point]) -> str:
    content = [
        [
            p.number,
            p.key,
            dict(p.values),
            dict(p.measures),
            p.verdict,
            p.reason,
            p.front,
            dict(p.built.measures) if p.built else None,
        ]
        for p in points
    ]
    return hashlib.blake2b(json.dumps(content, sort_keys=True).encode(), digest_size=16).hexdigest()


def why_none(result: Exploration) -> str:
    """Why no design keeps all limits, in one line; empty where one does.

    Args:
        result: of a study.
    """
    if any(point.verdict == "feasible" for point in result.points):
        built = [point for point in result.points if point.built]
        if result.front or not built:
            return ""
        first = next(point for point in built if point.built)
        assert first.built is not None
        return f"none of the {len(built)} points that were built is clean; {first.built.name}: {first.built.reason}"
    refused = [point for point in result.points if point.verdict == "refused"]
    done = len(result.points) - len(refused)
    if not result.points:
        return "no design was computed"
    if not done:
        reason, count = Counter(_bare(point.reason) for point in refused).most_common(1)[0]
        return f"none of the {len(refused)} designs can be made; most often ({count}): {reason}"
    worst = max(result.limits, key=lambda limit: (limit.kept_out, limit.alone))
    values = [point.measures[worst.measure] for point in result.points if worst.measure in point.measures]
    text = f"no design keeps all limits: {worst.measure} kept out {worst.kept_out} of the {done} that can be made"
    if values and worst.low is not None:
        text += f", the best of them has {max(values):.4g} and {worst.low:g} is the least allowed"
    elif values and worst.high is not None:
        text += f", the best of them has {min(values):.4g} and {worst.high:g} is the most allowed"
    return f"{text} ({worst.source}); relax it, or free another variable"


def _bare(reason: str) -> str:
    """A reason without the place in a file that is different for each design."""
    head, _, rest = reason.partition(": ")
    return rest if rest and all(part.isdigit() or part.endswith(".yaml") for part in head.split(":")) else reason
