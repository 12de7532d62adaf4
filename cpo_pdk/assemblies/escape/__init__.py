"""The way of the fibres out of the package: from the engines' facets to the connectors at the faceplate.

`plan_escape` is pure geometry on frozen values: `bundle` measures a ribbon, `trunks` leads the ribbons out and north,
`slots` gives the connectors their places, `spreading` moves the fibres sideways to them, `crossings` gives ribbons that
have to cross layers of their own. `drawing` draws what was planned.
"""

from __future__ import annotations

from cpo_pdk.assemblies.escape.paths import EscapePlan, FibrePath, PlacedConnector, RibbonCrossing
from cpo_pdk.assemblies.escape.plan import plan_escape

__all__ = ["EscapePlan", "FibrePath", "PlacedConnector", "RibbonCrossing", "plan_escape"]
