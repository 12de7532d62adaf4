"""The files of the KLayout technology `cpo`: layers, deck, connections, and the menu entries that run `cpo check`."""

from __future__ import annotations

import sys
from pathlib import Path
from xml.sax.saxutils import escape

from cpo_pdk.tech.layer_views import lyp_text
from cpo_pdk.tech.layers import layer_of
from cpo_pdk.verify.klayout_deck.deck import deck
from cpo_pdk.version import __version__

#: name of the technology in KLayout
NAME = "cpo"
#: conductor, via, conductor: what KLayout's net tracer follows
CONNECTIONS = (("M1", "VIA1", "M2"), ("HEATER", "VIA1", "M2"), ("M2", "PADOPEN", "BUMP"))

_MACRO_CODE = Path(__file__).parent / "macros" / "in_klayout.py"
#: file -> title in the menu, function that it calls
_ENTRIES = {
    "cpo_check.lym": ("cpo check this layout", "check_this_layout"),
    "cpo_markers.lym": ("cpo: open the last markers", "open_last_markers"),
}

_LYT = """<?xml version="1.0" encoding="utf-8"?>
<technology>
 <name>{name}</name>
 <description>Photonics of co-packaged optics (cpo_pdk {version})</description>
 <group/>
 <dbu>0.001</dbu>
 <layer-properties_file>{name}.lyp</layer-properties_file>
 <add-other-layers>true</add-other-layers>
 <connectivity>
{connections}
{symbols}
 </connectivity>
</technology>
"""

_LYM = """<?xml version="1.0" encoding="utf-8"?>
<klayout-macro>
 <description>{title}</description>
 <version>{version}</version>
 <category>pymacros</category>
 <prolog/>
 <epilog/>
 <doc/>
 <autorun>false</autorun>
 <autorun-early>false</autorun-early>
 <priority>0</priority>
 <shortcut/>
 <show-in-menu>true</show-in-menu>
 <group-name>cpo</group-name>
 <menu-path>tools_menu.end</menu-path>
 <interpreter>python</interpreter>
 <dsl-interpreter-name/>
 <text>{text}</text>
</klayout-macro>
"""


def technology_files(python: str = sys.executable) -> dict[str, str]:
    """What is put into a KLayout folder: text by path, relative to it, with `/`.

    Args:
        python: the interpreter that the menu entries run cpo with.
    """
    files = {
        f"tech/{NAME}/{NAME}.lyt": lyt_text(),
        f"tech/{NAME}/{NAME}.lyp": lyp_text(),
        f"tech/{NAME}/drc/{NAME}.lydrc": deck(),
    }
    for name, (title, function) in _ENTRIES.items():
        files[f"pymacros/{name}"] = _macro(title, function, python)
    return files


def lyt_text() -> str:
    """The technology itself as XML."""
    used = list(dict.fromkeys(layer for connection in CONNECTIONS for layer in connection))
    return _LYT.format(
        name=NAME,
        version=__version__,
        connections="\n".join(f"  <connection>{','.join(connection)}</connection>" for connection in CONNECTIONS),
        symbols="\n".join("  <symbols>{}='{}/{}'</symbols>".format(layer, *layer_of(layer)) for layer in used),
    )


def _macro(title: str, function: str, python: str) -> str:
    code = _MACRO_CODE.read_text(encoding="utf-8").replace('PYTHON = ""', f"PYTHON = {python!r}")
    text = f"{code}\n\n{function}()\n"
    return _LYM.format(title=escape(title), version=__version__, text=escape(text))
