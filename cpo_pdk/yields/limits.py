"""What may be asked of a sampling."""

from __future__ import annotations

from cpo_pdk.errors import InputError

MOST_SAMPLES = 10_000_000
_SEEDS = 2**63


def check_samples(samples: int, seed: int, rare_dB: float | None = None) -> None:
    """Refuse a number of samples or a seed that nothing can be done with.

    Raises:
        InputError: naming value, limit and cure.
    """
    if not 1 <= samples <= MOST_SAMPLES:
        raise InputError(
            f"--samples {samples}, 1 to {MOST_SAMPLES:,} allowed; 1,000 packages tell a yield to about 3 %, "
            "10,000 to 1 %"
        )
    if not 0 <= seed < _SEEDS:
        raise InputError(f"--seed {seed}, 0 to 2^63 - 1 allowed; give another")
    if rare_dB is not None and not -100 <= rare_dB <= 100:
        raise InputError(f"--rare {rare_dB:g} dB, -100 to 100 allowed; give a margin like -1")
