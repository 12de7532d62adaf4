"""The KLayout DRC deck of the design rules (`.lydrc`): a menu entry of KLayout, and a batch run without cpo.

The deck is the second engine: KLayout's own checks on flat or deep layers, judged by Ruby written for it (`checks.rb`),
with no line in common with the Python checker. Both must find the same in the same places.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from xml.sax.saxutils import escape

from cpo_pdk.errors import InputError
from cpo_pdk.tech.layers import LAYERS
from cpo_pdk.tech.rules import Rule, load_rules
from cpo_pdk.verify.formats.rule_words import rule_text
from cpo_pdk.version import __version__

#: what is shown in the menu Tools > DRC
TITLE = "cpo design rules"
#: database units in one um
_PER_UM = 1000

_LIBRARY = Path(__file__).parent / "checks.rb"

_MACRO = """<?xml version="1.0" encoding="utf-8"?>
<klayout-macro>
 <description>{title}</description>
 <version>{version}</version>
 <category>drc</category>
 <prolog/>
 <epilog/>
 <doc/>
 <autorun>false</autorun>
 <autorun-early>false</autorun-early>
 <priority>0</priority>
 <shortcut/>
 <show-in-menu>true</show-in-menu>
 <group-name>drc_scripts</group-name>
 <menu-path>tools_menu.drc.end</menu-path>
 <interpreter>dsl</interpreter>
 <dsl-interpreter-name>drc-dsl-xml</dsl-interpreter-name>
 <text>{text}</text>
</klayout-macro>
"""

_HEAD = """# {title}, generated from tech/data/rules.yaml by cpo_pdk {version}: change the rules there, not here.
#
# In KLayout: Tools > DRC > {title}, on the layout that is shown.
# Without:    klayout -b -r cpo.lydrc -rd input=x.gds -rd report=x.lyrdb [-rd top=CELL] [-rd mode=flat|deep]
#
# {expressed} rules. Not in this deck, because they need more than polygons; run `cpo check` for them:
{missing}

raise "mode is #{{$mode}}, must be flat or deep" unless [nil, "flat", "deep"].include?($mode)
raise "no layout: give -rd input=FILE, or open one" unless $input || RBA::CellView::active.is_valid?
$mode == "deep" ? deep : flat
# a polygon that is cut in pieces gets new corners, rounded to the grid
max_vertex_count(0)
max_area_ratio(0.0)
begin
  $input && ($top ? source($input, $top) : source($input))
rescue => fault
  raise unless fault.to_s.include?("context info cell")
  raise "KLayout before 0.28.11 can't read the meta information in this file: cpo klayout plain FILE COPY makes a copy"
end
"""

_START = """
numbers = {{
{numbers}
}}
checks = checks.new(self, numbers)
# Before the report is opened: a file that can't be looked at must not leave a report without markers.
fault = checks.refusal
raise "nothing checked: #{{fault}}" if fault

# how many rules of each kind of check are not in this deck
elsewhere = {elsewhere}
words = elsewhere.map {{ |number, group| "#{{number}} #{{group}}" }}.join(", ")
report("{title}: {expressed} rules; not in this deck, run cpo check: #{{words}}", $report)

begin
{rules}
rescue => fault
  # The report is written nevertheless: it must say that it is not complete.
  checks.stopped(fault)
  raise
end
checks.summary(elsewhere.sum(&:first), words)
"""


def _um(value: float) -> int:
    return round(value * _PER_UM)


def _names(names: Sequence[str]) -> str:
    return "[" + ", ".join(f'"{name}"' for name in names) + "]"


def _of_layers(rule: Rule) -> str:
    """A call with the names of the layers, each by itself, and the limit."""
    return ", ".join([rule.kind + "(" + ", ".join(f'"{name}"' for name in rule.layers), f"{_um(rule.value)})"])


def _area(rule: Rule) -> str:
    return f'{rule.kind}("{rule.layers[0]}", {round(rule.value * _PER_UM**2)})'


def _first_and_others(rule: Rule) -> str:
    return f'{rule.kind}("{rule.layers[0]}", {_names(rule.layers[1:])})'


def _floating(rule: Rule) -> str:
    mark = f', "{rule.more["mark"]}"' if "mark" in rule.more else ""
    return f'floating("{rule.layers[0]}", {_names(rule.layers[1:])}, "{rule.more["die"]}"{mark})'


def _density(rule: Rule) -> str:
    step = _um(float(rule.more["step"]))
    least, most = float(rule.more.get("least", 0.0)), float(rule.more.get("most", 1.0))
    count = round(_um(rule.value) / step)
    return f'density("{rule.layers[0]}", "{rule.more["die"]}", {step}, {count}, {least:g}, {most:g})'


#: kind -> the call that checks a rule of it; what `checks.rb` defines
CALLS: dict[str, Callable[[Rule], str]] = {
    "width": _of_layers,
    "space": _of_layers,
    "notch": _of_layers,
    "isolation": _of_layers,
    "separation": _of_layers,
    "enclosure": _of_layers,
    "extension": _of_layers,
    "overlap": _of_layers,
    "inside": _first_and_others,
    "exclusion": _first_and_others,
    "area": _area,
    "hole": _area,
    "collision": lambda rule: f"collision({_names(rule.layers)}, {_um(rule.value)})",
    "in_die": lambda rule: f'in_die({_names(rule.layers)}, "{rule.more["die"]}")',
    "floating": _floating,
    "density": _density,
    "grid": lambda rule: f"grid({_names(rule.layers)}, {_um(rule.value)})",
    "angle": lambda rule: f"angle({_names(rule.layers)}, {rule.value:g})",
    "points": lambda rule: f"points({rule.value:g})",
    "no_area": lambda rule: "no_area",
    "odd_path": lambda rule: "odd_path",
}


def expressed(rules: Sequence[Rule]) -> tuple[Rule, ...]:
    """Those of some rules that the deck checks."""
    return tuple(rule for rule in rules if rule.kind in CALLS)


def not_expressed(rules: Sequence[Rule]) -> tuple[Rule, ...]:
    """Those of some rules that only `cpo check` knows."""
    return tuple(rule for rule in rules if rule.kind not in CALLS)


def deck_script(rules: Sequence[Rule] | None = None) -> str:
    """The deck as Ruby, without the XML around it; see `deck`."""
    rules = load_rules() if rules is None else tuple(rules)
    here, elsewhere = expressed(rules), not_expressed(rules)
    if not here:
        raise InputError("none of the rules can be written for KLayout's DRC; give rules of drawn shapes")
    words = {
        "title": TITLE,
        "version": __version__,
        "expressed": len(here),
        "missing": "\n".join(f"#   {_comment(_meaning(rule))}" for rule in elsewhere) or "#   none",
        "elsewhere": "[" + ", ".join(f"[{n}, {_text(group)}]" for group, n in _by_group(elsewhere).items()) + "]",
        "numbers": "\n".join(f'  "{name}" => [{info.layer}, {info.datatype}],' for name, info in LAYERS.items()),
        "rules": "\n".join(_rule(rule) for rule in here),
    }
    return _HEAD.format(**words) + "\n" + _LIBRARY.read_text(encoding="utf-8") + _START.format(**words)


def deck(rules: Sequence[Rule] | None = None) -> str:
    """The design rules as a KLayout DRC deck.

    Args:
        rules: default: those of the process. Those of a kind that plain DRC has no word for are named in a comment, in
            the description of the report and at the end of the run.

    Returns:
        the text of a `.lydrc` file.

    Raises:
        InputError: none of the rules can be expressed.
    """
    return _MACRO.format(title=TITLE, version=__version__, text=escape(deck_script(rules)))


def _by_group(rules: Sequence[Rule]) -> dict[str, int]:
    return dict(Counter(rule.group for rule in rules))


def _rule(rule: Rule) -> str:
    call = CALLS[rule.kind](rule)
    return f"  # {_comment(rule.source)}\n  checks.rule({_text(rule.name)}, {_text(_meaning(rule))}) {{ |c| c.{call} }}"


def _meaning(rule: Rule) -> str:
    return f"{rule.name}: {rule_text(rule)}"


def _text(text: str) -> str:
    """A Ruby string."""
    return '"' + "".join("\\" + c if c in '"\\#' else c if c.isprintable() else " " for c in text) + '"'


def _comment(text: str) -> str:
    """Text that can't leave its comment."""
    return "".join(c if c.isprintable() else " " for c in text)
