"""Damaged layouts by the thousand: the check must answer each with a verdict or one line, whatever is in the file.

    python benchmarks/fuzz.py [--gds FILE] [--number 2000] [--seed 1] [--json]

Half of the files are cut, flipped, overwritten, repeated and spliced, as GDS and as OASIS; the other half is well
formed and holds nonsense: cells and shapes moved, turned, scaled, repeated in arrays, lost or on other layers, and meta
information of any type and size. Each is checked in a process of its own. Counted are: refused (one line), violations,
clean after having been looked at, and what must never happen:
clean without having been looked at, a message of several lines, an exception that is not ours, a crash, a time-out.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import klayout.db as kdb

from cpo_pdk.cli.guard import Died, Limits, guarded
from cpo_pdk.errors import CpoError
from cpo_pdk.verify import check

ROOT = Path(__file__).resolve().parents[1]
OUTCOMES = ("refused", "violations", "clean", "blind", "clean_without_a_look", "many_lines", "foreign_exception")
NEVER = ("clean_without_a_look", "many_lines", "foreign_exception", "died")


def damaged(data: bytes, rng: random.Random) -> bytes:
    """The bytes of a file with one kind of damage in one to eight places."""
    kinds: tuple[Callable[[bytearray], bytearray], ...] = (
        lambda d: d[: rng.randrange(len(d))],
        lambda d: _poke(d, rng, lambda b: b ^ (1 << rng.randrange(8))),
        lambda d: _poke(d, rng, lambda _b: rng.randrange(256)),
        lambda d: _poke(d, rng, lambda _b: rng.choice((0, 0x7F, 0x80, 0xFF))),
        lambda d: _move(d, rng, keep=True),
        lambda d: _move(d, rng, keep=False),
        lambda d: d[: (i := rng.randrange(len(d)))] + d[i + rng.randrange(1, 200) :],
        lambda d: d[: (i := rng.randrange(len(d)))] + rng.randbytes(rng.randrange(1, 200)) + d[i:],
    )
    return bytes(rng.choice(kinds)(bytearray(data)))


def _poke(data: bytearray, rng: random.Random, change: Callable[[int], int]) -> bytearray:
    for _ in range(rng.randint(1, 8)):
        place = rng.randrange(len(data))
        data[place] = change(data[place])
    return data


def _move(data: bytearray, rng: random.Random, *, keep: bool) -> bytearray:
    start = rng.randrange(len(data))
    piece = data[start : start + rng.randrange(1, 400)]
    if not keep:
        del data[start : start + len(piece)]
    place = rng.randrange(len(data) + 1)
    return data[:place] + piece + data[place:]


#: what meta information may say
_JUNK: tuple[Any, ...] = (
    None,
    -1,
    0,
    2**31,
    1e308,
    float("nan"),
    "",
    "x" * 5000,
    "<script>&\n\x00",
    [],
    [[[[]]]],
    {},
    {"name": 3, "trans": None},
    {"radius": "ten", "gap": float("nan"), "length": [1], "width": -1},
    [["o1", 1], {"a": {"b": []}}],
    True,
)


def nonsense(layout: kdb.Layout, rng: random.Random) -> None:
    """Change a good layout in one to six places into something that a tool would not write."""
    cells = sorted(layout.each_cell(), key=lambda c: c.name)
    layers = list(layout.layer_indexes())
    for _ in range(rng.randint(1, 6)):
        cell = rng.choice(cells)
        kind = rng.randrange(8)
        instances = list(cell.each_inst())
        if kind <= 2:
            items = sorted(cell.each_meta_info(), key=lambda m: m.name)
            name = rng.choice(items).name if items and rng.random() < 0.8 else "kfactory:ports:0"
            cell.add_meta_info(kdb.LayoutMetaInfo(name, rng.choice(_JUNK), "", True))
        elif kind == 3 and instances:
            place = kdb.DCplxTrans(rng.choice((1, 1, 0.5, 3)), rng.choice((0, 17, 90)), rng.random() < 0.5, 1, -7)
            rng.choice(instances).transform(place)
        elif kind == 4 and instances:
            rng.choice(instances).delete()
        elif kind == 5:
            steps = kdb.Vector(rng.choice((0, 1, 50_000)), 0), kdb.Vector(0, rng.choice((0, 1, 50_000)))
            below = [c for c in cells if c.cell_index() not in cell.caller_cells() and c != cell]
            array = (*steps, rng.choice((1, 3, 2000)), rng.choice((1, 40)))
            cell.insert(kdb.CellInstArray(rng.choice(below).cell_index(), kdb.Trans(), *array))
        elif kind == 6:
            layout.move_layer(rng.choice(layers), rng.choice(layers))
        else:
            corners = [kdb.Point(rng.randint(-(10**6), 10**6), rng.randint(-(10**6), 10**6)) for _ in range(12)]
            cell.shapes(rng.choice(layers)).insert(kdb.Polygon(corners, True))


def judge(path: Path) -> int:
    """Index in `OUTCOMES` of what the check makes of a file."""
    try:
        verdict = check(path)
    except CpoError as error:
        return OUTCOMES.index("many_lines" if "\n" in str(error) else "refused")
    except Exception:
        traceback.print_exc()
        return OUTCOMES.index("foreign_exception")
    if verdict.clean:
        seen = all(result.looked_at > 0 or result.not_applicable for result in verdict.results)
        return OUTCOMES.index("clean" if seen and verdict.looked_at > 0 else "clean_without_a_look")
    return OUTCOMES.index("violations" if verdict.violations else "blind")


def run(source: Path, number: int, seed: int, keep: Path) -> dict[str, object]:
    """Check `number` damaged copies of a layout; those that must not be are kept in a folder."""
    layout = kdb.Layout()
    layout.read(str(source))
    originals: dict[str, bytes] = {}
    with tempfile.TemporaryDirectory() as temporary:
        for suffix in (".gds", ".oas"):
            options = kdb.SaveLayoutOptions()
            options.set_format_from_filename(f"x{suffix}")
            options.write_context_info = True
            file = Path(temporary) / f"good{suffix}"
            layout.write(str(file), options)
            originals[suffix] = file.read_bytes()
        counts: Counter[str] = Counter()
        slowest = 0.0
        for index in range(number):
            rng = random.Random(f"{seed}/{index}")
            suffix = rng.choice(sorted(originals))
            file = Path(temporary) / f"bad_{index}{suffix}"
            if rng.random() < 0.5:
                file.write_bytes(damaged(originals[suffix], rng))
            else:
                _write_nonsense(source, file, rng)
            start = time.perf_counter()
            try:
                outcome = OUTCOMES[guarded(lambda file=file: judge(file), Limits(cpu_s=120, memory_GB=4))]
            except Died as death:
                outcome = "died"
                print(f"{file.name}: {death}", file=sys.stderr)
            slowest = max(slowest, time.perf_counter() - start)
            counts[outcome] += 1
            if outcome in NEVER:
                keep.mkdir(parents=True, exist_ok=True)
                os.replace(file, keep / file.name)
            else:
                file.unlink()
    bad = sum(counts[name] for name in NEVER)
    return {"files": number, "seed": seed, **dict(sorted(counts.items())), "never": bad, "slowest_s": round(slowest, 2)}


def _write_nonsense(source: Path, file: Path, rng: random.Random) -> None:
    layout = kdb.Layout()
    layout.read(str(source))
    nonsense(layout, rng)
    options = kdb.SaveLayoutOptions()
    options.set_format_from_filename(file.name)
    options.write_context_info = True
    with contextlib.suppress(RuntimeError):  # a cell that came to contain itself
        layout.write(str(file), options)


def main() -> int:
    """Print the counts; exit code 1 when something happened that must never happen."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gds", type=Path, default=ROOT / "gds_out/switch_51t2/engine.gds", help="a good layout")
    parser.add_argument("--number", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, default=Path("fuzz_found"), help="folder for files that must not be")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    result = run(options.gds, options.number, options.seed, options.keep)
    if options.json:
        print(json.dumps(result))
    else:
        for key, value in result.items():
            print(f"{key:22} {value}")
    return 1 if result["never"] else 0


if __name__ == "__main__":
    raise SystemExit(main())
