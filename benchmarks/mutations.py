"""Plant every fault of `mutants.py` in a built package, check it, and write who found it and what was said.

    python benchmarks/mutations.py [--folder gds_out/switch_51t2] [--spec SPEC] [--out docs/mutations.md] [--json]

The unchanged layouts are checked first and must be clean. Exit code 1 when a fault is not found by the rule that has
to, or not named.
"""

from __future__ import annotations

import argparse
import json
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

from mutants import MUTANTS, Bench, Mutant

from cpo_pdk import flow
from cpo_pdk.output import write_text
from cpo_pdk.verify.findings import Verdict, Violation

ROOT = Path(__file__).resolve().parents[1]

HEAD = """# Faults that were planted, and who found them

Made by `python benchmarks/mutations.py --out docs/mutations.md`; a test does the same. Each fault is planted alone in
the shipped engine or package. The fingerprints that a build leaves in its cells are taken out first and the recorded
settings stay as they were, so the polygons alone tell. The unchanged layouts are clean: {golden}.

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


def run(mutant: Mutant, folder: Path, spec: str, temporary: Path) -> Found:
    """Plant one fault and check the layout."""
    bench = Bench(base_file(folder, mutant.base))
    mutant.change(bench)
    verdict = flow.check(bench.write(temporary / "mutant.gds"), spec=spec)
    named = naming(mutant, verdict)
    others = sorted({v.rule for v in verdict.violations} - ({named.rule} if named else set()))
    return Found(mutant, named, tuple(others))


def table(found: list[Found], golden: str) -> str:
    """The page of the docs."""
    rows = []
    for entry in found:
        rule, message = (entry.named.rule, entry.named.message) if entry.named else ("NOT FOUND", "")
        others = f" (also {', '.join(entry.others)})" if entry.others else ""
        message = message.replace("|", "\\|")
        rows.append(f"| {entry.mutant.name} | {entry.mutant.base} | {rule}{others} | {message} |\n")
    return HEAD.format(golden=golden) + "".join(rows)


def main() -> int:
    """Run all mutants; see the module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=ROOT / "gds_out/switch_51t2", help="results of cpo build")
    parser.add_argument("--spec", default=str(ROOT / "assemblies/switch_51t2.yaml"))
    parser.add_argument("--out", type=Path, help="write the table here")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    golden = []
    for base in ("engine", "package"):
        verdict = flow.check(base_file(options.folder, base), spec=options.spec)
        if not verdict.clean:
            raise SystemExit(f"{base}: {verdict.words}; the unchanged layout must be clean")
        golden.append(f"{base} {verdict.looked_at:,} things looked at, 0 violations")
    with tempfile.TemporaryDirectory() as temporary:
        found = [run(mutant, options.folder, options.spec, Path(temporary)) for mutant in MUTANTS]
    missed = [entry.mutant.name for entry in found if entry.named is None]
    if options.out:
        write_text(options.out, table(found, "; ".join(golden)))
    document = {"mutants": len(found), "found_and_named": len(found) - len(missed), "missed": missed}
    print(json.dumps(document) if options.json else "\n".join(f"{k:16} {v}" for k, v in document.items()))
    return 1 if missed else 0


if __name__ == "__main__":
    raise SystemExit(main())
