"""The gallery of all devices as one HTML file that needs nothing else: no network, no second file, no server."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from jinja2 import DictLoader, Environment, StrictUndefined
from markupsafe import Markup

from cpo_pdk.output import write_bytes, write_text
from cpo_pdk.report import figures
from cpo_pdk.report.drawing_svg import drawing_svg
from cpo_pdk.report.gallery_data import Device
from cpo_pdk.report.gallery_plots import contact_sheet, spectrum_figure, sweep_figure

PAGE, SHEET = "gallery.html", "gallery.png"
_TEMPLATES = ("gallery.html", "page.css", "gallery.css", "gallery.js")


def write_gallery(devices: Sequence[Device], folder: Path, notes: Sequence[str] = ()) -> Path:
    """Write `gallery.html` and, for use elsewhere, `gallery.png` with all drawings.

    Args:
        devices: in the order of the page.
        folder: where to.
        notes: what the reader should know first, one line each.

    Raises:
        OutputError: the folder can't be written.
    """
    write_bytes(folder / SHEET, figures.png(contact_sheet(devices), dpi=110))
    return write_text(folder / PAGE, gallery_page(devices, notes))


def gallery_page(devices: Sequence[Device], notes: Sequence[str] = ()) -> str:
    """Render the page; arguments as `write_gallery`."""
    templates = {name: (files("cpo_pdk.report") / "templates" / name).read_text("utf-8") for name in _TEMPLATES}
    script = templates["gallery.js"]
    environment = Environment(
        loader=DictLoader(templates), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["micro"] = lambda text: re.sub(r"\bum\b", "µm", text)
    groups: dict[str, list[Device]] = {}
    for device in devices:
        groups.setdefault(device.group, []).append(device)
    return environment.get_template("gallery.html").render(
        groups=groups,
        count=len(devices),
        computed=sum(device.physics is not None for device in devices),
        notes=notes,
        drawings={d.name: Markup(drawing_svg(d.scene, f"d-{d.name}", d.name, d.ports)) for d in devices if d.scene},
        spectra={
            d.name: Markup(figures.svg(spectrum_figure(d.physics), f"s-{d.name}"))
            for d in devices
            if d.physics and d.physics.traces
        },
        sweeps={
            d.name: Markup(figures.svg(sweep_figure(d.physics.sweeps), f"w-{d.name}"))
            for d in devices
            if d.physics and d.physics.sweeps
        },
        words={device.name: _words(device) for device in devices},
        css=Markup(templates["page.css"] + templates["gallery.css"]),
        script=Markup(script),
        script_hash="sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )


def _words(device: Device) -> str:
    """What the filter box looks in."""
    parts = [device.name, device.cell, device.model, device.group, device.description]
    parts += [line.name for line in (*device.layers, *device.arguments, *device.parameters)]
    parts += ["" if device.origin == "shipped" else "own"]
    return " ".join(parts).lower()
