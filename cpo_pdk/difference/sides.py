"""What is compared: a layout file, or the result folder of a build, with the lanes that it proves to be its own."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cpo_pdk.circuit.layout_file import LayoutFile, read_layout
from cpo_pdk.circuit.results import Aggressor, Lane, LossItem
from cpo_pdk.errors import InputError
from cpo_pdk.manifest import LAYOUTS, MANIFEST, Manifest, read_manifest, sha256_of

LANES = "lanes.json"
ENGINE = "engine"


@dataclass(frozen=True)
class Side:
    """One of the two.

    Attributes:
        name: as the user gave it.
        file: its layout.
        sha256: of the layout file.
        manifest: of the folder, when there is one that can be understood.
        lanes: those of the folder, when its manifest proves that they are of this layout.
        notice: why they are not used, or what is wrong with the folder; empty otherwise.
    """

    name: str
    file: LayoutFile
    sha256: str
    manifest: Manifest | None = None
    lanes: tuple[Lane, ...] | None = None
    notice: str = ""


def read_side(path: Path) -> Side:
    """Read a layout file, or the layout of a result folder.

    Args:
        path: GDS or OASIS file, or folder.

    Raises:
        LayoutError: the layout can't be read.
        InputError: a folder without a layout, or with several and none that is the package's.
        OSError: the file went away.
    """
    if not path.is_dir():
        return Side(path.as_posix(), read_layout(path), sha256_of(path.resolve())[1])
    manifest, notice = None, ""
    if (path / MANIFEST).exists():
        try:
            manifest = read_manifest(path)
        except InputError as error:
            notice = str(error)
    layout = _layout_in(path, manifest)
    file, digest = read_layout(layout), sha256_of(layout.resolve())[1]
    lanes = None
    if manifest is not None:
        lanes, notice = _proven_lanes(path, manifest, layout.name, digest)
    elif not notice:
        notice = f"{path}: holds no {MANIFEST}; its {LANES} is not used, the layout is simulated"
    return Side(path.as_posix(), file, digest, manifest, lanes, notice)


def _layout_in(folder: Path, manifest: Manifest | None) -> Path:
    """The layout of the package in a result folder."""
    if manifest is not None:
        for suffix in LAYOUTS:
            name = manifest.name + suffix
            if name in manifest.files and (folder / name).is_file():
                return folder / name
    found = sorted(p for p in folder.iterdir() if p.suffix.lower() in LAYOUTS and p.is_file())
    whole = [p for p in found if p.stem != ENGINE] or found
    own = [p for p in whole if p.stem == folder.resolve().name]
    chosen = own if len(own) == 1 else whole
    if len(chosen) != 1:
        names = ", ".join(p.name for p in chosen[:8]) or "none"
        raise InputError(f"{folder}: holds {len(chosen)} layouts ({names}), 1 needed; give the layout file")
    return chosen[0]


def _proven_lanes(folder: Path, manifest: Manifest, layout: str, digest: str) -> tuple[tuple[Lane, ...] | None, str]:
    """The lanes of a folder, or why they are not used."""
    if not manifest.intact:
        return None, f"{folder / MANIFEST}: was changed since it was written; the layout is simulated"
    entries = [manifest.files.get(layout), manifest.files.get(LANES)]
    if entries[0] is None or entries[0].sha256 != digest:
        return None, f"{folder / layout}: is not the file of the manifest; it is simulated"
    if entries[1] is None:
        return None, f"{folder}: holds no {LANES} in its manifest; the layout is simulated"
    try:
        if sha256_of(folder / LANES) != (entries[1].size, entries[1].sha256):
            return None, f"{folder / LANES}: is not the file of the manifest; the layout is simulated"
        document = json.loads((folder / LANES).read_text(encoding="utf-8"))
        return tuple(_lane(entry) for entry in document["lanes"]), ""
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        return None, f"{folder / LANES}: no table of lanes ({type(error).__name__}); the layout is simulated"


def _lane(entry: dict[str, Any]) -> Lane:
    """One lane as `cpo_pdk.report.tables` writes it."""
    direction = entry["direction"]
    if direction not in ("tx", "rx"):
        raise ValueError(direction)
    return Lane(
        engine=str(entry["engine"]),
        direction=direction,
        port=int(entry["port"]),
        channel=int(entry["channel"]),
        wl_um=float(entry["wl_um"]),
        fibre=str(entry["fibre"]),
        insertion_loss_dB=_level(entry["insertion_loss_dB"], math.inf),
        crosstalk_dB=_level(entry["crosstalk_dB"], -math.inf),
        items=tuple(
            LossItem(
                instance=str(item["instance"]),
                cell=str(item["cell"]),
                model=str(item["model"]),
                x=float(item["x"]),
                y=float(item["y"]),
                path=str(item["path"]),
                loss_dB=_level(item["loss_dB"], math.inf),
            )
            for item in entry["items"]
        ),
        aggressors=tuple(Aggressor(str(a["name"]), _level(a["level_dB"], -math.inf)) for a in entry["aggressors"]),
    )


def _level(value: Any, nothing: float) -> float:
    """A level of the table; null stands for no light."""
    return nothing if value is None else float(value)
