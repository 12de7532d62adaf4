"""The package in space as STEP (AP 214) for mechanical design: bodies as solids, fibres as curves in space, mm.

Needs the extra `step` (cadquery-ocp, OpenCASCADE in Python). Fibres are no tubes here: a thousand of them would make a
file that few programs open; sweep the curves by the width that is in their layer's name where tubes are needed.
"""

# pyright: reportMissingImports=false, reportAttributeAccessIssue=false
from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from OCP.BRep import BRep_Builder
from OCP.BRepBuilderAPI import BRepBuilderAPI_MakeEdge, BRepBuilderAPI_MakeFace, BRepBuilderAPI_MakePolygon
from OCP.BRepPrimAPI import BRepPrimAPI_MakePrism
from OCP.collections import Array1_double, Array1_gp_Pnt, Array1_int
from OCP.Geom import Geom_BSplineCurve
from OCP.gp import gp_Pnt, gp_Vec
from OCP.IFSelect import IFSelect_RetDone
from OCP.Interface import Interface_Static
from OCP.STEPCAFControl import STEPCAFControl_Writer
from OCP.STEPControl import STEPControl_AsIs
from OCP.TCollection import TCollection_ExtendedString
from OCP.TDataStd import TDataStd_Name
from OCP.TDF import TDF_Label
from OCP.TDocStd import TDocStd_Document
from OCP.TopoDS import TopoDS_Compound
from OCP.XCAFDoc import XCAFDoc_DocumentTool

from cpo_pdk.circuit.layout_file import captured_output
from cpo_pdk.errors import OutputError
from cpo_pdk.handover.names import plain_name
from cpo_pdk.handover.parts import Fibre, Package, Points, Solid

_MM = 1e-3
#: time in the head of the file: always this one, so that the same package gives the same bytes
_TIME = "2000-01-01T00:00:00"


def step_text(package: Package) -> str:
    """The package as the text of a STEP file.

    Args:
        package: what to write.

    Raises:
        OutputError: OpenCASCADE gave up.
    """
    document = TDocStd_Document(TCollection_ExtendedString("XmlOcaf"))
    shapes = XCAFDoc_DocumentTool.ShapeTool_s(document.Main())
    for name, shape in _bodies(package):
        label: TDF_Label = shapes.AddShape(shape, False)
        TDataStd_Name.Set_s(label, TCollection_ExtendedString(name))
    writer = STEPCAFControl_Writer()
    writer.SetColorMode(False)  # colours come in another order in every run
    Interface_Static.SetCVal_s("write.step.schema", "AP214IS")
    Interface_Static.SetCVal_s("write.step.unit", "MM")
    Interface_Static.SetCVal_s("write.step.product.name", plain_name(package.name))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "package.step"
        with captured_output():  # it tells the terminal of every body
            done = writer.Transfer(document, STEPControl_AsIs) and writer.Write(str(path)) == IFSelect_RetDone
        if not done:
            raise OutputError(f"{package.name}: OpenCASCADE could not write it as STEP; report it with the layout")
        text = path.read_text(encoding="utf-8", errors="replace")
    return re.sub(r"(FILE_NAME\('[^']*',)'[^']*'", rf"\1'{_TIME}'", text, count=1)


def _bodies(package: Package) -> Iterator[tuple[str, Any]]:
    """Name and shape of everything; the fibres of a layer are one."""
    for solid in package.solids:
        yield plain_name(solid.name), _prism(solid)
    for layer in dict.fromkeys(fibre.layer for fibre in package.fibres):
        fibres = [fibre for fibre in package.fibres if fibre.layer == layer]
        compound, builder = TopoDS_Compound(), BRep_Builder()
        builder.MakeCompound(compound)
        for fibre in fibres:
            builder.Add(compound, _curve(fibre))
        yield f"{layer}_{len(fibres)}_fibres_{round(fibres[0].width)}_um", compound


def _prism(solid: Solid) -> Any:
    face = BRepBuilderAPI_MakeFace(_wire(solid.outline, solid.bottom), True)
    for hole in solid.holes:
        face.Add(_wire(hole, solid.bottom, clockwise=True))
    return BRepPrimAPI_MakePrism(face.Face(), gp_Vec(0, 0, (solid.top - solid.bottom) * _MM)).Shape()


def _wire(outline: Points, z: float, *, clockwise: bool = False) -> Any:
    """A closed polyline; one of the outside goes counter-clockwise, so that the prism has its inside inside."""
    polygon = BRepBuilderAPI_MakePolygon()
    x, y = outline[:, 0], outline[:, 1]
    area = np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y)
    for px, py in outline if (area > 0) != clockwise else outline[::-1]:
        polygon.Add(gp_Pnt(float(px) * _MM, float(py) * _MM, z * _MM))
    polygon.Close()
    return polygon.Wire()


def _curve(fibre: Fibre) -> Any:
    """The path of a fibre as one cubic spline of Bezier pieces through its points."""
    points = fibre.path * _MM
    step = np.diff(points, axis=0)
    length = np.linalg.norm(step, axis=1)[:, None]
    unit = step / length
    middle = (unit[:-1] * length[1:] + unit[1:] * length[:-1]) / (length[1:] + length[:-1])
    along = np.concatenate([unit[:1], middle, unit[-1:]])
    along /= np.linalg.norm(along, axis=1)[:, None]
    poles = [points[0]]
    for k in range(len(step)):
        third = length[k] / 3
        poles += [points[k] + along[k] * third, points[k + 1] - along[k + 1] * third, points[k + 1]]
    control = Array1_gp_Pnt(1, len(poles))
    for number, (x, y, z) in enumerate(poles, 1):
        control.SetValue(number, gp_Pnt(float(x), float(y), float(z)))
    knots, times = Array1_double(1, len(points)), Array1_int(1, len(points))
    for number in range(1, len(points) + 1):
        knots.SetValue(number, float(number - 1))
        times.SetValue(number, 4 if number in (1, len(points)) else 3)
    return BRepBuilderAPI_MakeEdge(Geom_BSplineCurve(control, knots, times, 3)).Edge()
