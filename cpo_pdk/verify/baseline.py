"""A verdict against that of an earlier run: what is new, what is fixed, what was there before.

A violation is the same when rule, layer, cell and place are; where the place moved by a little, by the rule, the layer
and the cell. What the earlier run found by rules that did not run this time is not fixed: nothing is known of it.
"""

from __future__ import annotations

import json
import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cpo_pdk.errors import InputError
from cpo_pdk.spec.name_rules import shown
from cpo_pdk.verify.findings import Comparison, Verdict, Violation
from cpo_pdk.verify.formats.json_document import FORMAT

#: centres of boxes that are nearer than this are one violation that moved, um
NEARBY = 1.0
#: larger files are refused
SIZE_LIMIT = 64 << 20
#: violations that are read
COUNT_LIMIT = 200_000
#: candidates that are looked at for one violation that moved
_CANDIDATES = 200


@dataclass(frozen=True)
class Baseline:
    """What an earlier run found.

    Attributes:
        path: the file it was read from.
        file, top: of the layout, as the earlier run names them.
        violations: that counted then; waived ones are left out.
    """

    path: Path
    file: str
    top: str
    violations: tuple[Violation, ...]


def read_baseline(path: str | Path) -> Baseline:
    """Read the document of an earlier `cpo check --json` (or `--report FILE.json`).

    Raises:
        InputError: the file is not there, too large, or no such document; one line that says where it is wrong.
    """
    path = Path(path)
    document = _document(path)
    if "error" in document and "format" not in document:
        raise InputError(f"{path}: is the error of a run that found nothing out; give the document of one that ended")
    found = document.get("format")
    if found != FORMAT:
        what = f"format is {shown(found)}" if "format" in document else "has no format"
        raise InputError(f'{path}: {what}, "{FORMAT}" is read; write it with cpo check FILE --json')
    markers = document.get("markers")
    if not isinstance(markers, list):
        raise InputError(f"{path}: markers is no list; write it again with cpo check FILE --json")
    if len(markers) > COUNT_LIMIT:
        raise InputError(f"{path}: {len(markers)} violations, {COUNT_LIMIT} are read; repair the layout first")
    names = [document.get(key, "") for key in ("file", "top")]
    if not all(isinstance(name, str) for name in names):
        raise InputError(f"{path}: file or top is no text; write it again with cpo check FILE --json")
    return Baseline(
        path, names[0], names[1], tuple(_violation(path, number, entry) for number, entry in enumerate(markers))
    )


def _document(path: Path) -> dict[str, Any]:
    try:
        if not path.is_file():
            raise InputError(f"{path}: {'is no file' if path.exists() else 'no such file'}; give an earlier result")
        with path.open("rb") as stream:
            raw = stream.read(SIZE_LIMIT + 1)
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the path
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"{path}: can't be read ({reason}); give an earlier result") from None
    if len(raw) > SIZE_LIMIT:
        raise InputError(f"{path}: larger than {SIZE_LIMIT >> 20} MB, the limit for an earlier result")
    try:
        document = json.loads(raw.decode("utf-8-sig"), parse_constant=_no_constant)
    except RecursionError:
        raise InputError(f"{path}: nested too deep for a result of cpo check; give the right file") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: is no UTF-8 text (byte {error.start}); give the right file") from None
    except ValueError as error:
        raise InputError(f"{path}: is no JSON ({' '.join(str(error).split())[:160]}); give the right file") from None
    if not isinstance(document, dict):
        raise InputError(f"{path}: holds no JSON object; write it with cpo check FILE --json")
    return document


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no number of JSON")


def _violation(path: Path, number: int, entry: Any) -> Violation:
    def refuse(what: str) -> InputError:
        return InputError(f"{path}: markers[{number}]: {what}; write the file again with cpo check FILE --json")

    if not isinstance(entry, dict):
        raise refuse("is no object")
    words = {key: entry.get(key, "") for key in ("rule", "layer", "cell", "message", "asked_at")}
    for key, value in words.items():
        if not isinstance(value, str) or (key in ("rule", "cell") and not value):
            raise refuse(f"{key} is {shown(value)}, text is expected")
    bbox = entry.get("bbox")
    if not isinstance(bbox, list) or len(bbox) != 4 or not all(_is_length(value) for value in bbox):
        raise refuse("bbox must be four numbers in um")
    places = entry.get("places", 1)
    if isinstance(places, bool) or not isinstance(places, int) or places < 1:
        raise refuse(f"places is {shown(places)}, a whole number from 1 is expected")
    left, bottom, right, top = (float(value) for value in bbox)
    return Violation(bbox=(left, bottom, right, top), places=places, **words)


def _is_length(value: Any) -> bool:
    """A finite number that a layout can hold, um."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and abs(value) < 1e9


def compare(verdict: Verdict, baseline: Baseline) -> Verdict:
    """The verdict with its comparison; waivers have to be applied before.

    What was waived this time is neither new nor fixed.
    """
    blind = {rule for result in verdict.blind for rule in result.rules}
    ran = {rule for result in verdict.results for rule in (*result.rules, *(v.rule for v in result.violations))} - blind
    unknown = sum(v.rule not in ran for v in baseline.violations)
    earlier = _without(
        [v for v in baseline.violations if v.rule in ran], Counter(w.violation.fingerprint for w in verdict.waived)
    )
    now = list(verdict.violations)
    same = Counter(v.fingerprint for v in earlier) & Counter(v.fingerprint for v in now)
    fresh, gone = _without(now, same), _without(earlier, same)
    pairs = _moved(fresh, gone)
    moved = [fresh[i] for i in pairs]
    new = [v for i, v in enumerate(fresh) if i not in pairs]
    left = set(pairs.values())
    fixed = sorted(v for i, v in enumerate(gone) if i not in left)
    notices: list[str] = []
    if unknown:
        what = "1 violation" if unknown == 1 else f"{unknown:,} violations"
        notices.append(
            f"{baseline.path.name}: {what} of rules that did not run or looked at nothing this time: "
            "not known to be fixed; run the same checks"
        )
    if baseline.top and verdict.top and baseline.top != verdict.top:
        notices.append(f"{baseline.path.name} is of top cell {baseline.top}, this file's is {verdict.top}")
    return replace(
        verdict,
        notices=(*verdict.notices, *notices),
        comparison=Comparison(
            new=_prints(new),
            fixed=_prints(fixed),
            unchanged=tuple(sorted([*same.elements(), *_prints(moved)])),
            moved=_prints(moved),
            gone=tuple(fixed),
        ),
    )


def _prints(violations: Sequence[Violation]) -> tuple[str, ...]:
    return tuple(sorted(v.fingerprint for v in violations))


def _without(violations: Sequence[Violation], taken: Counter[str]) -> list[Violation]:
    """Those that are left when of each fingerprint so many are taken."""
    taken = Counter(taken)
    left: list[Violation] = []
    for violation in violations:
        if taken[violation.fingerprint] > 0:
            taken[violation.fingerprint] -= 1
        else:
            left.append(violation)
    return left


def _moved(fresh: Sequence[Violation], gone: Sequence[Violation]) -> dict[int, int]:
    """Indices of violations that moved by at most `NEARBY`, to those of where they were; each used once."""
    groups: dict[tuple[str, str, str], list[tuple[float, float, int]]] = {}
    for i, violation in enumerate(gone):
        groups.setdefault(_kind(violation), []).append((*_centre(violation), i))
    for group in groups.values():
        group.sort()
    candidates: list[tuple[float, int, int]] = []
    for i, violation in enumerate(fresh):
        group = groups.get(_kind(violation), [])
        x, y = _centre(violation)
        start = bisect_left(group, (x - NEARBY,))
        for other_x, other_y, j in group[start : start + _CANDIDATES]:
            if other_x > x + NEARBY:
                break
            distance = math.hypot(other_x - x, other_y - y)
            if distance <= NEARBY:
                candidates.append((distance, i, j))
    pairs: dict[int, int] = {}
    used: set[int] = set()
    for _, i, j in sorted(candidates):
        if i not in pairs and j not in used:
            pairs[i] = j
            used.add(j)
    return pairs


def _kind(violation: Violation) -> tuple[str, str, str]:
    return violation.rule, violation.layer, violation.cell


def _centre(violation: Violation) -> tuple[float, float]:
    left, bottom, right, top = violation.bbox
    return (left + right) / 2, (bottom + top) / 2
