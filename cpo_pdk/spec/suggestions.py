"""`did you mean`: the one known name that looks most like a misspelt one."""

from __future__ import annotations

from collections.abc import Iterable

CLOSE_ENOUGH = 75.0
"""Score from 0 to 100 below which a name is not worth suggesting."""


def closest(name: str, known: Iterable[str]) -> str | None:
    """The known name closest to `name`, or None when none is close."""
    from rapidfuzz import distance, fuzz  # only ever needed on the way to an error

    def score(candidate: str) -> float:
        a, b = name.lower(), candidate.lower()
        alike = 100.0 * distance.JaroWinkler.similarity(a, b)
        return max(alike, 0.95 * fuzz.partial_ratio(a, b)) if min(len(a), len(b)) >= 4 else alike

    best = max(sorted(known), key=score, default=None)
    return best if best is not None and score(best) >= CLOSE_ENOUGH else None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`; did you mean "pitch_um"?`, or nothing; to be appended to a message."""
    best = closest(name, known)
    return f'; did you mean "{best}"?' if best else ""
