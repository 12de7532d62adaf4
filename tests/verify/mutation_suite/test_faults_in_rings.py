"""Faults planted in the package of rings: each found by the rule that has to, and named; good layouts are clean."""

from collections.abc import Callable

import pytest
from mutants import Mutant
from mutations import EVERY

MINE = tuple(mutant for mutant in EVERY if mutant.spec == "switch_51t2")


@pytest.mark.parametrize(("name", "base"), sorted({(mutant.spec, mutant.base) for mutant in MINE}))
def test_the_good_layouts_are_clean_and_were_looked_at(
    name: str, base: str, must_be_clean: Callable[[str, str], None]
) -> None:
    must_be_clean(name, base)


@pytest.mark.parametrize("mutant", MINE, ids=[mutant.name.replace(" ", "_") for mutant in MINE])
def test_every_fault_is_found_and_named(mutant: Mutant, must_be_found: Callable[[Mutant], None]) -> None:
    must_be_found(mutant)
