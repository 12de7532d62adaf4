"""Everything that is compared with published numbers: the compact models, and what is computed on top of them."""

from __future__ import annotations

from cpo_pdk.energy import validation as energy
from cpo_pdk.link import validation as link
from cpo_pdk.models import validation as models
from cpo_pdk.models.validation import Case
from cpo_pdk.thermal import validation as thermal
from cpo_pdk.variation import validation as variation

#: what a case may name in place of a device
ROOMS = ("link", "energy", "thermal")


def all_cases() -> tuple[Case, ...]:
    """All cases of the project, by device and quantity."""
    found = (*models.cases(), *link.CASES, *energy.CASES, *thermal.CASES, *variation.CASES)
    return tuple(sorted(found, key=lambda case: (case.device, case.quantity)))
