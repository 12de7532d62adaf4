"""Ribbons that have to cross, because the faceplate is asked in another order than the ribbons come out in.

Two ribbons must cross if, and only if, they are asked in the other order; each such pair once is the least there can
be. Ribbons that cross can't lie in one layer, so the layers are a colouring of the graph of these pairs. It is a
permutation graph: as many colours are needed as its longest falling run of ribbons has members, and taking them in turn
and giving each the fitting colour used by the furthest predecessor finds that many (patience sorting; Golumbic,
Algorithmic Graph Theory and Perfect Graphs, 1980, chapter 7).
"""

from __future__ import annotations

import bisect
from collections.abc import Sequence


def colours_of(target: Sequence[int]) -> list[int]:
    """Smallest colouring, from 0, such that things of one colour need not cross.

    Args:
        target: for each thing, in the order they are in, the place that it goes to; a permutation of 0, 1, ...
    """
    # last place that each colour was given, negative: rising from the first colour on
    last: list[int] = []
    found = []
    for place in target:
        colour = bisect.bisect_left([-p for p in last], -place)
        if colour == len(last):
            last.append(place)
        else:
            last[colour] = place
        found.append(colour)
    return found


def crossing_pairs(target: Sequence[int]) -> list[tuple[int, int]]:
    """Pairs of things that must cross, by their place before.

    Args:
        target: see `colours_of`.
    """
    return [(a, b) for a in range(len(target)) for b in range(a + 1, len(target)) if target[a] > target[b]]


def longest_fall(target: Sequence[int]) -> list[int]:
    """Things that all cross one another, as many as there are colours, by their place before.

    Args:
        target: see `colours_of`.
    """
    colours = colours_of(target)
    chain: list[int] = []
    for k in range(len(target) - 1, -1, -1):
        wanted = max(colours) if not chain else colours[chain[-1]] - 1
        if colours[k] == wanted and (not chain or target[k] > target[chain[-1]]):
            chain.append(k)
    return chain[::-1]
