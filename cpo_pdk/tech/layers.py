"""The layers of the process: names, GDS numbers, and what each is for.

Numbers are those of gdsfactory's generic PDK where it has the layer; package-level layers sit above 300, where it has
none. This module is light on purpose: the checks and the circuit read it without gdsfactory.
"""

from __future__ import annotations

from typing import NamedTuple


class LayerInfo(NamedTuple):
    """One layer: GDS layer and datatype, the group it is shown in, fill colour (#rrggbb) and purpose."""

    layer: int
    datatype: int
    group: str
    color: str
    purpose: str


#: of ribbon layers 2 to 8 from the bottom up, and of their rows of connectors
_RIBBON_COLORS = ("#ef6c00", "#c62828", "#6a1b9a", "#2e7d32", "#00838f", "#ad1457", "#9e9d24")
_ROW_COLORS = ("#8d4004", "#7f1d1d", "#4a148c", "#1b5e20", "#004d54", "#6d0c36", "#5d5c15")

LAYERS: dict[str, LayerInfo] = {
    # photonic front end
    "WG": LayerInfo(1, 0, "silicon", "#d62728", "full-height silicon core, 220 nm"),
    "SLAB150": LayerInfo(
        2, 0, "silicon", "#ff9896", "silicon left 150 nm high by the shallow etch (grating teeth are cut from it)"
    ),
    "SLAB90": LayerInfo(3, 0, "silicon", "#f7b6d2", "silicon slab left 90 nm high by the rib etch"),
    "DEEPTRENCH": LayerInfo(4, 0, "silicon", "#8c564b", "trench through the oxides, for facets"),
    "GE": LayerInfo(5, 0, "silicon", "#17becf", "epitaxial germanium on silicon"),
    "UNDERCUT": LayerInfo(
        6, 0, "silicon", "#66c2a5", "opening through the oxides where the substrate is etched from below a membrane"
    ),
    # implants
    "N": LayerInfo(20, 0, "implants", "#aec7e8", "n junction implant"),
    "P": LayerInfo(21, 0, "implants", "#ffbb78", "p junction implant"),
    "NPP": LayerInfo(24, 0, "implants", "#1f77b4", "n++ contact implant"),
    "PPP": LayerInfo(25, 0, "implants", "#ff7f0e", "p++ contact implant"),
    # back end
    "VIAC": LayerInfo(40, 0, "metals", "#7f7f7f", "contact from silicon or germanium to M1"),
    "M1": LayerInfo(41, 0, "metals", "#9467bd", "metal 1"),
    "HEATER": LayerInfo(47, 0, "metals", "#e377c2", "TiN heater"),
    "VIA1": LayerInfo(44, 0, "metals", "#c7c7c7", "via from M1 or HEATER to M2"),
    "M2": LayerInfo(45, 0, "metals", "#2ca02c", "metal 2, top metal"),
    "PADOPEN": LayerInfo(46, 0, "metals", "#98df8a", "opening in the passivation over M2"),
    "BUMP": LayerInfo(57, 0, "metals", "#bcbd22", "copper-pillar bump to the die on top"),
    # marks of the die
    "FLOORPLAN": LayerInfo(64, 0, "die", "#dddddd", "outline of a die"),
    "DICING": LayerInfo(100, 0, "die", "#bbbbbb", "dicing street"),
    "DEVREC": LayerInfo(68, 0, "die", "#c49c94", "device recognition box"),
    "TEXT": LayerInfo(66, 0, "die", "#555555", "labels, not fabricated"),
    "PORT": LayerInfo(1, 10, "die", "#ff00ff", "optical port markers, not fabricated"),
    "PORTE": LayerInfo(1, 11, "die", "#00aaff", "electrical port markers, not fabricated"),
    # package
    "SUBSTRATE": LayerInfo(301, 0, "package", "#e8f5e9", "outline of the package substrate"),
    "ASIC": LayerInfo(302, 0, "package", "#90a4ae", "outline of the switch ASIC"),
    "ASIC_BUMP": LayerInfo(303, 0, "package", "#546e7a", "bump field of the ASIC"),
    "SHORELINE": LayerInfo(304, 0, "package", "#ffb300", "SerDes shoreline of the ASIC"),
    "KEEPOUT": LayerInfo(305, 0, "package", "#ef9a9a", "no engine and no fibre here"),
    "EIC": LayerInfo(306, 0, "package", "#b39ddb", "outline of the electronic die on top of an engine"),
    "CONNECTOR": LayerInfo(307, 0, "package", "#4e342e", "body of a fibre connector"),
    "FIBER": LayerInfo(310, 0, "package", "#fbc02d", "single-mode fibre, cladding outline"),
    "FIBER_PM": LayerInfo(311, 0, "package", "#1565c0", "polarisation-maintaining fibre, cladding outline"),
    # ribbons of data fibres lie in layers above one another, each with its row of connectors; those of lasers apart
    "CONNECTOR_PM": LayerInfo(308, 0, "package", "#0d47a1", "body of a laser connector"),
    **{
        f"CONNECTOR_{k}": LayerInfo(307, k - 1, "package", color, f"body of a data connector in row {k}")
        for k, color in enumerate(_ROW_COLORS, start=2)
    },
    **{
        f"FIBER_{k}": LayerInfo(310, k - 1, "package", color, f"single-mode fibre in ribbon layer {k}")
        for k, color in enumerate(_RIBBON_COLORS, start=2)
    },
    "LID": LayerInfo(312, 0, "package", "#8d6e63", "where the lid stands on the substrate: its walls, not its roof"),
    "STIFFENER": LayerInfo(313, 0, "package", "#78909c", "stiffener on the substrate"),
    "SOCKET": LayerInfo(314, 0, "package", "#a1887f", "frame of the socket that holds the substrate"),
    "COLDPLATE": LayerInfo(315, 0, "package", "#4dd0e1", "outline of the cold plate on the dies"),
    "CARRIER": LayerInfo(316, 0, "package", "#c5e1a5", "board of a detachable sub-assembly"),
    "INTERPOSER": LayerInfo(317, 0, "package", "#d1c4e9", "outline of the interposer"),
    "CAPACITORS": LayerInfo(318, 0, "package", "#80cbc4", "field of capacitors on the substrate"),
    "OVERPASS": LayerInfo(319, 0, "package", "#cfd8dc", "part of the package that fibres pass over"),
    "AIRWIRE": LayerInfo(
        320, 0, "package", "#26a69a", "SerDes lane from its bump on the ASIC to one on an engine, not routed"
    ),
}

#: ribbon layer (from 1) -> drawing layer of its fibres; -> of the connectors of its row at the faceplate
FIBER_LEVELS: tuple[str, ...] = ("FIBER", *(f"FIBER_{k}" for k in range(2, 9)))
CONNECTOR_LEVELS: tuple[str, ...] = ("CONNECTOR", *(f"CONNECTOR_{k}" for k in range(2, 9)))

#: (layer, datatype) -> name
NAMES: dict[tuple[int, int], str] = {(info.layer, info.datatype): name for name, info in LAYERS.items()}


def layer_of(name: str) -> tuple[int, int]:
    """Return (layer, datatype) of a layer.

    Args:
        name: key in `LAYERS`.

    Raises:
        KeyError: there is no layer of that name.
    """
    info = LAYERS[name]
    return (info.layer, info.datatype)
