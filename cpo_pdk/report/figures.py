"""One look for all figures, as PNG for files and as SVG that follows the light or dark theme of the page.

Figures are drawn with matplotlib's own defaults and the settings below, whatever a `matplotlibrc` in the working folder
says, and without pyplot; the bytes of PNG and SVG depend on nothing but the data.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager

import matplotlib

matplotlib.use("Agg")

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

INK = "#1b1f24"
FAINT = "#c9d1d9"
#: eight colours that differ in hue and lightness, one a wavelength channel, short to long
CHANNELS = ("#7a56c8", "#3f74d8", "#1f97c4", "#14a287", "#62ab3c", "#c2a116", "#dd7420", "#d2484f")
TX, RX = "#2f5fc4", "#dd7420"

_SETTINGS = {
    "font.family": "DejaVu Sans",
    "font.size": 10.0,
    "axes.titlesize": 11.0,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.grid": True,
    "grid.color": FAINT,
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "legend.frameon": False,
    "lines.linewidth": 1.4,
    "svg.fonttype": "none",
    "path.simplify": True,
    "text.parse_math": False,  # names come out of layout files
}


@contextmanager
def style() -> Iterator[None]:
    """Matplotlib's own defaults with the settings of this project, inside the block."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_SETTINGS)  # pyright: ignore[reportCallIssue, reportArgumentType]
        yield


def png(figure: Figure, dpi: int = 144) -> bytes:
    """The figure as PNG on white, without a time stamp."""
    with style():
        FigureCanvasAgg(figure)
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=dpi, facecolor="white", metadata={"Software": None})
    return buffer.getvalue()


def svg(figure: Figure, key: str) -> str:
    """The figure as inline SVG whose ink and grid are CSS variables; `key` keeps its ids apart from those of others."""
    with style():
        matplotlib.rcParams["svg.hashsalt"] = key
        FigureCanvasSVG(figure)
        buffer = io.StringIO()
        figure.savefig(
            buffer,
            format="svg",
            transparent=True,
            metadata={"Date": None, "Creator": None, "Format": None, "Type": None},
        )
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL)
    text = re.sub(r' id="[\w.]+_\d+"', "", text)
    text = re.sub(r'(<svg[^>]*?) width="[^"]*pt" height="[^"]*pt"', r"\1", text)
    text = re.sub(r"font: ([^;\"]*?)'DejaVu Sans'[^;\"]*", r"font: \1var(--sans)", text)
    text = re.sub(r"\n\s*", "\n", text)
    return text.replace(INK, "var(--ink)").replace(FAINT, "var(--faint)")
