"""The catalogue of devices: what each sheet draws, and what its model says of the drawing."""

from cpo_pdk.catalog.collect import describe, devices, draw
from cpo_pdk.catalog.manifest import manifest_of
from cpo_pdk.catalog.physics import physics_of

__all__ = ["describe", "devices", "draw", "manifest_of", "physics_of"]
