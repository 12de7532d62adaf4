"""Plant every fault of `mutants.py` and `mutants_lanes.py` in built packages, check them, and write who found each.

    python benchmarks/mutations.py [--results gds_out] [--only WORDS] [--out docs/mutations.md] [--json]

`--results` holds a folder a package, made by `cpo build`; `--only` runs the faults whose name contains the words.

The unchanged layouts are checked first and must be clean. Exit code 1 when a fault is not found by the rule that has
to, or not named.
"""

from __future__ import annotations

import argparse
import json
import re
import tempfile
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from mutants import MUTANTS, Bench, Mutant
from mutants_lanes import LANE_MUTANTS

from cpo_pdk import flow
from cpo_pdk.output import write_text
from cpo_pdk.tech.rules import load_rules
from cpo_pdk.verify.findings import Group, Verdict, Violation
from cpo_pdk.verify.run import GROUPS

ROOT = Path(__file__).resolve().parents[1]

#: every fault, in the order of the table
EVERY: tuple[Mutant, ...] = (*MUTANTS, *LANE_MUTANTS)

HEAD = """# Faults that were planted, and who found them

Made by `python benchmarks/mutations.py --out docs/mutations.md`; a test does the same. Each fault is planted alone in
the shipped engine or package, of switch_51t2 where no other is named. The fingerprints that a build leaves in its cells
are taken out first and the recorded settings stay as they were, so the polygons alone tell. The unchanged layouts are
clean: {golden}.

| fault | in | found by | message |
|---|---|---|---|
"""


@dataclass(frozen=True)
class Found:
    """What came out of one mutant: the violation that names it (None: not found), and the other rules that saw it."""

    mutant: Mutant
    named: Violation | None
    others: tuple[str, ...]


def base_file(folder: Path, base: str) -> Path:
    """The layout of a result folder that mutants of a kind are made from."""
    return folder / ("engine.gds" if base == "engine" else f"{folder.name}.gds")


def naming(mutant: Mutant, verdict: Verdict) -> Violation | None:
    """The violation that finds and names a mutant: of the first of its rules that has one."""
    for rule in mutant.found_by:
        for violation in verdict.violations:
            if violation.rule.startswith(rule) and re.search(mutant.says, violation.message):
                return violation
    return None


def groups_of(mutant: Mutant) -> set[Group]:
    """The kinds of checks that the rules belong to which have to find a mutant."""
    groups = {rule.group for rule in load_rules() if rule.name.startswith(mutant.found_by)}
    if any(rule.startswith("CONN.") for rule in mutant.found_by):  # these have no numbers, and no row
        groups.add("connectivity")
    if any(rule.startswith("LVS.") for rule in mutant.found_by):
        groups.add("lvs")
    return {group for group in GROUPS if group in groups}


def run(mutant: Mutant, folder: Path, spec: str, temporary: Path, only: Collection[Group] | None = None) -> Found:
    """Plant one fault and check the layout; `only` as in `cpo_pdk.flow.check`."""
    bench = Bench(base_file(folder, mutant.base))
    mutant.change(bench)
    verdict = flow.check(bench.write(temporary / "mutant.gds"), spec=spec, only=only)
    named = naming(mutant, verdict)
    others = sorted({v.rule for v in verdict.violations} - ({named.rule} if named else set()))
    return Found(mutant, named, tuple(others))


def where_of(mutant: Mutant) -> str:
    """`engine`; with the name of its spec where that is not the one of most faults."""
    return mutant.base if mutant.spec == Mutant.spec else f"{mutant.base} of {mutant.spec}"


def table(found: list[Found], golden: str) -> str:
    """The page of the docs."""
    rows = []
    for entry in found:
        rule, message = (entry.named.rule, entry.named.message) if entry.named else ("NOT FOUND", "")
        others = f" (also {', '.join(entry.others)})" if entry.others else ""
        message = message.replace("|", "\\|")
        rows.append(f"| {entry.mutant.name} | {where_of(entry.mutant)} | {rule}{others} | {message} |\n")
    return HEAD.format(golden=golden) + "".join(rows)


def spec_of(name: str) -> str:
    """The shipped spec of a name."""
    return str(ROOT / f"assemblies/{name}.yaml")


def main() -> int:
    """Run all mutants; see the module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, default=ROOT / "gds_out", help="result folders of cpo build")
    parser.add_argument("--only", default="", help="faults whose name contains this")
    parser.add_argument("--out", type=Path, help="write the table here")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    chosen = [mutant for mutant in EVERY if options.only in mutant.name]
    golden = []
    for name, base in dict.fromkeys((mutant.spec, mutant.base) for mutant in chosen):
        verdict = flow.check(base_file(options.results / name, base), spec=spec_of(name))
        if not verdict.clean:
            raise SystemExit(f"{base} of {name}: {verdict.words}; the unchanged layout must be clean")
        golden.append(f"{base} of {name} {verdict.looked_at:,} things looked at, 0 violations")
    with tempfile.TemporaryDirectory() as temporary:
        found = [run(m, options.results / m.spec, spec_of(m.spec), Path(temporary)) for m in chosen]
    missed = [entry.mutant.name for entry in found if entry.named is None]
    if options.out:
        write_text(options.out, table(found, "; ".join(golden)))
    document = {"mutants": len(found), "found_and_named": len(found) - len(missed), "missed": missed}
    print(json.dumps(document) if options.json else "\n".join(f"{k:16} {v}" for k, v in document.items()))
    return 1 if missed else 0


if __name__ == "__main__":
    raise SystemExit(main())
