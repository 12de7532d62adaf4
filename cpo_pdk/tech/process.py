"""The process as gdsfactory objects: layer enumeration, cross-sections, layer stack and layer views.

Everything here is built from the data in `layers.py`, `data/waveguides.yaml` and `data/stack.yaml`; nothing is written
twice.
"""

from __future__ import annotations

from typing import Any

from cpo_pdk.tech.gdsfactory_safe import gf, kf
from cpo_pdk.tech.layers import LAYERS, layer_of

#: Width of the slab of a rib waveguide, um (full width, centred on the core): the mode at 1310 nm is 1e-6 down at 2 um.
RIB_SLAB_WIDTH = 6.0

LAYER = kf.layer.layerenum_from_dict(
    name="LAYER",
    layers=kf.LayerInfos(**{k: kf.kdb.LayerInfo(info.layer, info.datatype, k) for k, info in LAYERS.items()}),
    layout=kf.kcl.layout,
)


@gf.xsection
def strip(width: float = 0.4, radius: float = 10.0, radius_min: float = 5.0) -> gf.CrossSection:
    """Fully etched silicon waveguide.

    Args:
        width: core width in um.
        radius: routing bend radius in um.
        radius_min: smallest bend radius in um.
    """
    return gf.cross_section.cross_section(width=width, layer=layer_of("WG"), radius=radius, radius_min=radius_min)


@gf.xsection
def rib(
    width: float = 0.4, slab_width: float = RIB_SLAB_WIDTH, radius: float = 25.0, radius_min: float = 5.0
) -> gf.CrossSection:
    """Rib on a 90 nm slab.

    Args:
        width: core width in um.
        slab_width: slab width in um.
        radius: routing bend radius in um.
        radius_min: smallest bend radius in um.
    """
    slab = gf.Section(width=slab_width, layer=layer_of("SLAB90"), name="slab")
    return gf.cross_section.cross_section(
        width=width, layer=layer_of("WG"), sections=(slab,), radius=radius, radius_min=radius_min
    )


@gf.xsection
def rib_pn(
    width: float = 0.4,
    slab_width: float = RIB_SLAB_WIDTH + 2.0,
    junction_offset: float = 0.0,
    width_doping: float = 1.5,
    width_contact: float = 2.0,
    gap_contact: float = 0.8,
    radius: float = 25.0,
    radius_min: float = 5.0,
) -> gf.CrossSection:
    """Rib with a lateral p-n junction (p on the right of the travelling direction) and contact implants.

    Args:
        width: core width in um.
        slab_width: slab width in um.
        junction_offset: junction position relative to the core centre in um.
        width_doping: reach of the p and n implants from the junction in um.
        width_contact: width of the p++ and n++ implants in um.
        gap_contact: core edge to p++ or n++ in um.
        radius: routing bend radius in um.
        radius_min: smallest bend radius in um.
    """
    contact = width / 2 + gap_contact + width_contact / 2
    sections = (
        gf.Section(width=slab_width, layer=layer_of("SLAB90"), name="slab"),
        gf.Section(width=width_doping, offset=junction_offset + width_doping / 2, layer=layer_of("N"), name="n"),
        gf.Section(width=width_doping, offset=junction_offset - width_doping / 2, layer=layer_of("P"), name="p"),
        gf.Section(width=width_contact, offset=contact, layer=layer_of("NPP"), name="npp"),
        gf.Section(width=width_contact, offset=-contact, layer=layer_of("PPP"), name="ppp"),
    )
    return gf.cross_section.cross_section(
        width=width, layer=layer_of("WG"), sections=sections, radius=radius, radius_min=radius_min
    )


def _metal(layer: str, width: float, radius: float) -> gf.CrossSection:
    return gf.cross_section.cross_section(
        width=width,
        layer=layer_of(layer),
        radius=radius,
        port_types=("electrical", "electrical"),
        port_names=("e1", "e2"),
    )


@gf.xsection
def heater_metal(width: float = 1.2, radius: float = 5.0) -> gf.CrossSection:
    """TiN heater strip.

    Args:
        width: in um.
        radius: routing bend radius in um.
    """
    return _metal("HEATER", width, radius)


@gf.xsection
def metal1(width: float = 2.0, radius: float = 5.0) -> gf.CrossSection:
    """Metal 1 wire.

    Args:
        width: in um.
        radius: routing bend radius in um.
    """
    return _metal("M1", width, radius)


@gf.xsection
def metal2(width: float = 2.0, radius: float = 5.0) -> gf.CrossSection:
    """Metal 2 wire, the top metal.

    Args:
        width: in um.
        radius: routing bend radius in um.
    """
    return _metal("M2", width, radius)


CROSS_SECTIONS: dict[str, Any] = {
    "strip": strip,
    "rib": rib,
    "rib_pn": rib_pn,
    "heater_metal": heater_metal,
    "metal1": metal1,
    "metal2": metal2,
}

#: Layers and cross-sections without the cells; `cpo_pdk.PDK` is the same with them.
BASE = gf.Pdk(name="cpo_process", layers=LAYER, cross_sections=CROSS_SECTIONS)


def ensure_active() -> None:
    """Activate the process where no PDK is active yet; a PDK that the user has activated stays."""
    try:
        gf.get_active_pdk()
    except ValueError:
        BASE.activate()


def layer_views() -> gf.technology.LayerViews:
    """How gdsfactory shows the layers, in pictures and in 3D: names and colours of the layer table."""
    views = {
        name: gf.technology.LayerView(
            name=name,
            layer=(info.layer, info.datatype),
            fill_color=info.color,
            frame_color=info.color,
        )
        for name, info in LAYERS.items()
    }
    return gf.technology.LayerViews(layer_views=views)
