"""KLayout layer properties: the colours and groups of `layers.py` as a `.lyp` file.

`python -m cpo_pdk.tech.layer_views` rewrites the shipped file; a test holds the two equal.
"""

from __future__ import annotations

from pathlib import Path
from xml.sax.saxutils import escape

from cpo_pdk.tech.layers import LAYERS

LYP = Path(__file__).parent / "data" / "cpo.lyp"

_PROPERTY = """ <properties>
  <frame-color>{color}</frame-color>
  <fill-color>{color}</fill-color>
  <dither-pattern>{dither}</dither-pattern>
  <valid>true</valid>
  <visible>{visible}</visible>
  <transparent>true</transparent>
  <width>1</width>
  <name>{name} {layer}/{datatype} - {purpose}</name>
  <source>{layer}/{datatype}@1</source>
 </properties>
"""

#: fill by group: implants and outlines must not hide what is below them
_DITHER = {"silicon": "I9", "implants": "I5", "metals": "I6", "die": "I1", "package": "I2"}
_HIDDEN = {"PORT", "PORTE"}


def lyp_text() -> str:
    """The layer properties as XML."""
    parts = [
        _PROPERTY.format(
            color=info.color,
            dither=_DITHER[info.group],
            visible=str(name not in _HIDDEN).lower(),
            name=name,
            layer=info.layer,
            datatype=info.datatype,
            purpose=escape(info.purpose),
        )
        for name, info in LAYERS.items()
    ]
    return '<?xml version="1.0" encoding="utf-8"?>\n<layer-properties>\n' + "".join(parts) + "</layer-properties>\n"


if __name__ == "__main__":
    LYP.write_text(lyp_text(), encoding="utf-8")
