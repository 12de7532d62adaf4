"""Photonic layout of co-packaged optics, from a spec to a checked GDS, its lanes, their margin, energy and heat."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cpo_pdk.version import __version__

if TYPE_CHECKING:
    from gdsfactory.pdk import Pdk

    from cpo_pdk.analysis import operate
    from cpo_pdk.flow import build, check, simulate
    from cpo_pdk.spec import load_spec as load

    PDK: Pdk

__all__ = ["PDK", "__version__", "build", "check", "load", "operate", "simulate"]

#: name -> (module, attribute): nothing heavy is imported before it is asked for
_LAZY = {
    "PDK": ("cpo_pdk.pdk", "PDK"),
    "load": ("cpo_pdk.spec", "load_spec"),
    "build": ("cpo_pdk.flow", "build"),
    "check": ("cpo_pdk.flow", "check"),
    "simulate": ("cpo_pdk.flow", "simulate"),
    "operate": ("cpo_pdk.analysis", "operate"),
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'cpo_pdk' has no attribute {name!r}; it has {', '.join(__all__)}")
    from importlib import import_module

    module, attribute = _LAZY[name]
    return getattr(import_module(module), attribute)


def __dir__() -> list[str]:
    return sorted(__all__)
