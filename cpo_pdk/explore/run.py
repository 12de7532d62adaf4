"""A whole study: search, build what is best in full, and say what came of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from cpo_pdk import output
from cpo_pdk.execution import Died, Place, open_pool
from cpo_pdk.explore.building import Site, build_design, keep_build, known_build
from cpo_pdk.explore.design import Design, base_of
from cpo_pdk.explore.evaluate import evaluate
from cpo_pdk.explore.evaluation import FAULT, Evaluation, Task
from cpo_pdk.explore.front import costs, undominated, widest
from cpo_pdk.explore.journal import Journal
from cpo_pdk.explore.limits import limits_of, missed
from cpo_pdk.explore.search import Known, search
from cpo_pdk.explore.study import Study
from cpo_pdk.explore.telling import Work, result_of
from cpo_pdk.report.explore_data import Built, Exploration

Say = Callable[[str], None]
Count = Callable[[int, int], None]
EvaluateOne = Callable[[Task, Design], Evaluation]
BuildOne = Callable[[Site, Design], Built]

#: rounds of building: where a built point fails, those that it hid come into question
ROUNDS = 4


def explore(
    study: Study,
    out: str | Path = "gds_out",
    *,
    project: Path | None = None,
    place: Place | None = None,
    trust: bool = False,
    progress: Say | None = None,
    count: Count | None = None,
    evaluate_one: EvaluateOne = evaluate,
    build_one: BuildOne = build_design,
) -> Exploration:
    """Search through the designs of a study and build its front.

    What was computed before, in the study's folder, is not computed again. After Ctrl-C the designs that are known are
    returned, `complete` is False and nothing is built any more.

    Args:
        study: the study.
        out: results go to `out/<name of the study>/`.
        project: folder with `components/` and `assemblies/`; default: that of the study or its base.
        place: where the work is done; this process where None.
        trust: run the Python files beside the project's sheets.
        progress: called with a few words as each stage begins.
        count: called with how many designs are known, and how many are wanted.
        evaluate_one: measures a design.
        build_one: builds a design in full.

    Returns:
        what was found; without a front where no design keeps all limits.

    Raises:
        InputError: a base that there is not, a path without a value, a place that can't be used.
        OutputError: the results can't be written.
    """
    say = progress or (lambda _line: None)
    place = place or Place()
    place.check()
    base = base_of(study, project)
    folder = output.result_folder(out, study.name)
    work = Work(study, base)
    start = time.perf_counter()
    try:
        say(f"searching through designs of {study.base}")
        _search(work, folder, place, trust, count or (lambda _done, _all: None), evaluate_one)
        work.seconds["search"] = time.perf_counter() - start
        start = time.perf_counter()
        _build(work, Site(folder, base.project, trust), place, say, build_one)
        work.seconds["build"] = time.perf_counter() - start
    except KeyboardInterrupt:
        work.complete = False
    return result_of(work)


def _search(work: Work, folder: Path, place: Place, trust: bool, count: Count, evaluate_one: EvaluateOne) -> None:
    study, journal = work.study, Journal(folder / "points")
    limits = {name: held.ends for name, held in limits_of(study, work.base).items()}
    samples = study.yield_samples if study.produces else 0
    task = Task(work.base.project, limits, trust, samples, study.seed)
    with open_pool(evaluate_one, task, place) as pool:

        def measured(designs: Sequence[Design]) -> Iterator[Evaluation]:
            known = {design.key: journal.find(design.key) for design in designs}
            new = pool.each([design for design in designs if known[design.key] is None], deaths="tell")
            for design in designs:
                before = known[design.key]
                if before is not None:
                    work.again += 1
                    yield before
                    continue
                _, answer = next(new)
                if isinstance(answer, Died):
                    answer = Evaluation(design.key, {}, "spec", f"{FAULT}: {answer.text}")
                journal.keep(answer)
                yield answer

        def told(known: Known) -> None:
            work.found.append(known)
            count(len(work.found), study.designs)

        for _generation in search(study, work.base, measured, told):
            pass
    if len(work.found) < study.designs:
        work.notes.append(f"the variables make up no more than {len(work.found)} designs; all were computed")


def _build(work: Work, site: Site, place: Place, say: Say, build_one: BuildOne) -> None:
    """Build the front; where a point fails, look again without it."""
    study = work.study
    feasible = [one for one in work.found if one.feasible]
    if not feasible or not study.build:
        return
    with open_pool(build_one, site, place) as pool:
        for _ in range(ROUNDS):
            good = [one for one in feasible if work.built.get(one.number) is None or work.built[one.number].clean]
            if not good:
                break
            values = costs([one.evaluation.measures for one in good], study.objectives)
            best = [one for one, kept in zip(good, undominated(values), strict=True) if kept]
            rows = widest(costs([one.evaluation.measures for one in best], study.objectives), study.build)
            work.chosen = [best[row].number for row in rows]
            left_out = len(best) - len(rows)
            wanted = [best[row] for row in rows if best[row].number not in work.built]
            if not wanted:
                break
            new = []
            for one in wanted:
                before = known_build(site, one.design)
                if before is None:
                    new.append(one)
                else:
                    work.built[one.number] = _judged(work, before)
            say(f"building {len(new)} points of the front in full")
            by_design = {one.design.name: one for one in new}
            for design, answer in pool.each([one.design for one in new], ordered=False, deaths="tell"):
                one = by_design[design.name]
                if isinstance(answer, Died):
                    answer = Built(design.name, "", "", "", {}, False, f"{FAULT}: {answer.text}")
                keep_build(site, design, answer)
                work.built[one.number] = _judged(work, answer)
                say(f"{design.name}: {answer.reason or 'clean'}")
            if left_out:
                work.notes = [note for note in work.notes if "left out" not in note]
                work.notes.append(
                    f"{left_out} more points are on the front of the search and were left out: build: {study.build}; "
                    "those that were built cover the most together"
                )


def _judged(work: Work, built: Built) -> Built:
    """A build, held against the limits of the study as well."""
    if not built.clean:
        return built
    found = missed(limits_of(work.study, work.base), Evaluation("", built.measures, "done"))
    return replace(built, clean=not found, reason="; ".join(text for _, text in found.values()))
