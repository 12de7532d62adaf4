"""The search: which designs are asked for next, from what is known of those before.

Designs are asked for in generations of a fixed size, and told about in the order of asking when all of a generation are
known: the same designs come for any number of workers, and for a run that was broken off and begun again, because what
was computed before is only looked up. A design that comes up again is told about at once and does not count.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import optuna

from cpo_pdk.errors import InputError
from cpo_pdk.explore.design import Base, Design, base_values, design_of
from cpo_pdk.explore.evaluation import Evaluation
from cpo_pdk.explore.expressions import whole
from cpo_pdk.explore.limits import limits_of, missed
from cpo_pdk.explore.study import Study, Variable, size_of, steps_of
from cpo_pdk.report.explore_data import Value

#: how bad it is to be refused at a stage, against one limit that is missed by all of its own size
_REFUSED = {"spec": 400.0, "plan": 300.0, "lanes": 200.0, "work": 100.0}
#: designs that come up again before one is drawn blindly, and before the space counts as used up
_AGAIN, _USED_UP = 8, 400

Asked = tuple[int, int, Design, dict[str, Value]]
"""Number, generation, design, values."""


@dataclass
class Known:
    """One design that was asked for, and what came of it."""

    number: int
    generation: int
    design: Design
    values: dict[str, Value]
    evaluation: Evaluation
    broken: dict[str, str] = field(default_factory=dict)

    @property
    def feasible(self) -> bool:
        """Whether it could be made and keeps all limits."""
        return self.evaluation.stage == "done" and not self.broken


Evaluate = Callable[[Sequence[Design]], Iterator[Evaluation]]
"""Designs -> what comes of each, in their order."""


def search(
    study: Study,
    base: Base,
    evaluate: Evaluate,
    told: Callable[[Known], None] = lambda _known: None,
) -> Iterator[list[Known]]:
    """Generations of designs, each with what came of it.

    Args:
        study: the study.
        base: what it starts from.
        evaluate: measures designs, as many at a time as it likes.
        told: called for each design as soon as it is known.

    Yields:
        the designs of one generation, in the order of asking.
    """
    asking = _Asking(study, base)
    generation = 0
    while asking.number < study.designs:
        wanted = min(study.generation, study.designs - asking.number)
        asked = list(asking.designs(wanted, generation))
        if not asked:
            return
        found: list[Known] = []
        evaluations = evaluate([one[2] for one in asked])
        for (number, _, design, values), evaluation in zip(asked, evaluations, strict=True):
            broken = {name: text for name, (_, text) in missed(asking.limits, evaluation).items()}
            known = Known(number, generation, design, values, evaluation, broken)
            found.append(known)
            told(known)
        asking.tell(found)
        yield found
        generation += 1


class _Asking:
    """The sampler, and the designs that it has asked for."""

    def __init__(self, study: Study, base: Base) -> None:
        self.study, self.base, self.number = study, base, 0
        self.distributions = {name: distribution_of(one) for name, one in study.variables.items()}
        self.limits = limits_of(study, base)
        self.rng = np.random.default_rng(study.seed)
        self.seen: dict[str, Evaluation | None] = {}
        self.size, self.tried = size_of(study), set[tuple[Value, ...]]()
        self.open: list[tuple[str, optuna.trial.Trial]] = []
        directions: list[Any] = list(study.objectives.values())
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # parts of the samplers are marked as experimental
            optuna.logging.set_verbosity(optuna.logging.ERROR)
            self.optuna = optuna.create_study(directions=directions, sampler=_sampler(study))
        start = base_values(study, base)
        for known in (*([start] if start is not None else []), *study.start):
            self.optuna.enqueue_trial(encoded(study, known))

    def designs(self, count: int, generation: int) -> Iterator[Asked]:
        """So many designs that were not asked for before; fewer when the space has no more."""
        repeats = found = 0
        while found < count and repeats < _USED_UP and len(self.tried) != self.size:
            if repeats > _AGAIN:
                self.optuna.enqueue_trial({name: self._blind(one) for name, one in self.study.variables.items()})
            trial = self.optuna.ask(dict(self.distributions))
            values = decoded(self.study, trial.params)
            self.tried.add(tuple(values.values()))
            try:
                design = design_of(self.study, self.base, values, self.number)
            except InputError as error:
                raise InputError(f"{self.study.origin}: {error}") from None
            if design.key in self.seen:
                repeats += 1
                self._again(trial, design.key)
                continue
            repeats = 0
            self.seen[design.key] = None
            self.open.append((design.key, trial))
            yield self.number, generation, design, values
            self.number += 1
            found += 1

    def _again(self, trial: optuna.trial.Trial, key: str) -> None:
        evaluation = self.seen[key]
        if evaluation is None:  # of the same generation, not known yet
            self.open.append((key, trial))
        else:
            self._tell(trial, evaluation)

    def _blind(self, variable: Variable) -> Any:
        steps = steps_of(variable)
        if steps is not None:
            index = int(self.rng.integers(steps))
            return _encode(variable, variable.labels[index]) if variable.labels else _at_step(variable, index)
        assert variable.low is not None and variable.high is not None
        return float(self.rng.uniform(variable.low, variable.high))

    def tell(self, found: Sequence[Known]) -> None:
        """What came of a generation."""
        for one in found:
            self.seen[one.design.key] = one.evaluation
        for key, trial in self.open:
            evaluation = self.seen[key]
            assert evaluation is not None
            self._tell(trial, evaluation)
        self.open = []

    def _tell(self, trial: optuna.trial.Trial, evaluation: Evaluation) -> None:
        total = sum(size for size, _ in missed(self.limits, evaluation).values())
        total += _REFUSED.get(evaluation.stage, 0.0) if evaluation.reason else 0.0
        values = [evaluation.measures.get(name, 0.0) for name in self.study.objectives]
        trial.set_user_attr("missed", float(total))
        self.optuna.tell(trial, [float(np.clip(value, -1e9, 1e9)) for value in values])


def _missed(trial: optuna.trial.FrozenTrial) -> Sequence[float]:
    return (trial.user_attrs["missed"],)


def _sampler(study: Study) -> optuna.samplers.BaseSampler:
    if study.sampler == "random":
        return optuna.samplers.RandomSampler(seed=study.seed)
    if study.sampler == "nsga2":
        return optuna.samplers.NSGAIISampler(
            population_size=study.generation, seed=study.seed, constraints_func=_missed
        )
    # each variable by itself: together (multivariate) it covered about half as much of the objectives, over four seeds
    return optuna.samplers.TPESampler(
        seed=study.seed,
        constant_liar=True,
        n_startup_trials=max(study.generation, 2 * len(study.variables)),
        constraints_func=_missed,
    )


def distribution_of(variable: Variable) -> optuna.distributions.BaseDistribution:
    """What the sampler sees of a variable: numbers that are chosen from keep their order, names have none."""
    labels = variable.labels
    if labels:
        if _ordered(labels):
            return optuna.distributions.IntDistribution(0, len(labels) - 1)
        return optuna.distributions.CategoricalDistribution(labels)
    assert variable.low is not None and variable.high is not None
    steps = steps_of(variable)
    if steps is not None:
        return optuna.distributions.IntDistribution(0, steps - 1)
    return optuna.distributions.FloatDistribution(variable.low, variable.high, log=variable.log)


def _ordered(labels: Sequence[Value]) -> bool:
    numbers = [one for one in labels if isinstance(one, int | float) and not isinstance(one, bool)]
    return len(numbers) == len(labels) and numbers == sorted(numbers)


def _at_step(variable: Variable, index: int) -> int:
    return index


def _encode(variable: Variable, value: Value) -> Any:
    labels = variable.labels
    if labels:
        return labels.index(value) if _ordered(labels) else value
    if variable.step is not None and variable.low is not None:
        return round((float(value) - variable.low) / variable.step)
    return float(value)


def encoded(study: Study, values: Mapping[str, Value]) -> dict[str, Any]:
    """Values of variables as the sampler sees them."""
    return {name: _encode(one, values[name]) for name, one in study.variables.items()}


def decoded(study: Study, params: Mapping[str, Any]) -> dict[str, Value]:
    """Values of variables from what the sampler says."""
    found: dict[str, Value] = {}
    for name, variable in study.variables.items():
        raw, labels = params[name], variable.labels
        if labels:
            found[name] = labels[raw] if _ordered(labels) else raw
        elif variable.step is not None and variable.low is not None:
            found[name] = whole(round(variable.low + raw * variable.step, 9))
        else:
            found[name] = whole(float(f"{raw:.6g}"))
    return found
