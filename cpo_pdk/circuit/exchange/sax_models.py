"""Our devices as SAX models, and SAX models as ours.

A SAX model is `function(wl=..., **settings) -> {(port, port): array}`, every argument with a default. Conventions are
the same on both sides: um, phase growing with length, `+1j` for cross coupling. SAX takes the numbers as they come;
here whatever a model answers is checked as every model's answer is (finite, passive, known ports).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cpo_pdk.circuit.binding import Bound, ModelLike, SheetLike, bind
from cpo_pdk.circuit.contract import parameters_with_own_default
from cpo_pdk.circuit.exchange.sax_netlist import escaped
from cpo_pdk.circuit.flattening import flatten
from cpo_pdk.circuit.netlist import Netlists
from cpo_pdk.errors import ModelError
from cpo_pdk.models.model import Model, Ranges

SDict = dict[tuple[str, str], NDArray[np.complex128]]
SaxModel = Callable[..., SDict]


def to_sax_models(
    netlists: Netlists,
    sheets: Mapping[str, SheetLike],
    models: Mapping[str, ModelLike],
    *,
    multimode: bool = False,
) -> dict[str, SaxModel]:
    """The devices of a circuit as SAX models, for `sax.circuit(to_dict(netlists, by_cell=True), models=...)`.

    There is one model for each drawn cell, so that two variants of a device never share one. Its keyword arguments are
    `wl` and the numeric parameters of the compact model, with the values that cell and sheet give as defaults.

    Args:
        netlists: see `extract`.
        sheets, models: by name.
        multimode: ports are `o1@TE` and `o1@TM`, as SAX calls them; otherwise the TE mode alone, called `o1`.

    Returns:
        escaped name of the cell -> function. A device without a model absorbs everything.

    Raises:
        ModelError: a cell without a model, or one that disagrees with it.
    """
    bound = bind(netlists, flatten(netlists, netlists.top), sheets, models)
    return {escaped(name): _as_sax(netlists, entry, multimode) for name, entry in bound.items()}


def _as_sax(netlists: Netlists, entry: Bound, multimode: bool) -> SaxModel:
    model = entry.model
    if model is None:
        ports = [port.name for port in netlists.cells[entry.cell].ports]

        def absorber(wl: ArrayLike = 1.31) -> SDict:
            """Nothing comes back."""
            zero = np.zeros(np.shape(wl), np.complex128)
            names = [f"{port}@TE" for port in ports] if multimode else ports
            return {(name, name): zero for name in names}

        return absorber
    known = {**parameters_with_own_default(model.function), **entry.params}
    numeric = {key: value for key, value in known.items() if _is_number(value)}
    computed = model.function

    def function(wl: ArrayLike = 1.31, **settings: Any) -> SDict:
        unknown = sorted(settings.keys() - numeric.keys())
        if unknown:
            raise ModelError(f"{entry.cell}: no setting {unknown[0]!r}; there are: {', '.join(sorted(numeric))}")
        given = {key: np.asarray(value) for key, value in settings.items()}
        matrix = computed(np.asarray(wl, np.float64), **{**entry.params, **given})
        found: SDict = {}
        for pair, value in matrix.items():
            if multimode:
                a, b = (port if "@" in port or port in model.detectors else f"{port}@TE" for port in pair)
                found[a, b] = value
            elif not any("@" in port for port in pair):
                found[pair] = value
        return found

    kind = inspect.Parameter.KEYWORD_ONLY
    first = inspect.Parameter("wl", inspect.Parameter.POSITIONAL_OR_KEYWORD, default=1.31)
    rest = [inspect.Parameter(key, kind, default=value) for key, value in sorted(numeric.items())]
    function.__signature__ = inspect.Signature([first, *rest])  # type: ignore[attr-defined]
    function.__name__ = function.__qualname__ = escaped(entry.cell)
    function.__doc__ = f"{entry.cell}: compact model {model.name} with the numbers of sheet {entry.sheet.name}."
    return function


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)


def from_sax(
    name: str,
    function: Callable[..., Any],
    ports: Sequence[str],
    *,
    detectors: Sequence[str] = (),
    ranges: Ranges | None = None,
    drawn_only: Mapping[str, str] | None = None,
) -> Model:
    """A SAX model as one of ours.

    Args:
        name: of the model; a sheet's `model:` names it.
        function: takes `wl` in um and settings, all with defaults; returns an SDict or an SDense.
        ports: its optical ports, without modes.
        detectors: ports that only absorb.
        ranges: parameter -> lowest, highest value, unit; wavelengths that it holds for under `wl`.
        drawn_only: argument of the cell that is no parameter -> why.

    Returns:
        the model; its parameters are those of `function`.

    Raises:
        ModelError: `function` can't be called with keywords alone. Called later, the model raises it when `function`
            answers with something else than S-parameters, or for other ports.
    """
    try:
        given = inspect.signature(function).parameters
    except (TypeError, ValueError) as error:
        raise ModelError(f"{name}: {function!r} is no function with a signature; give a SAX model") from error
    kinds = (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    taken = {key: p for key, p in given.items() if p.kind in kinds}
    bare = [key for key, p in taken.items() if key != "wl" and p.default is inspect.Parameter.empty]
    if "wl" not in taken or bare:
        what = f"argument {bare[0]!r} has no default" if bare else "there is no argument 'wl'"
        raise ModelError(f"{name}: {what}; a SAX model takes wl and settings, all with defaults")
    allowed = {*ports, *detectors}

    def compute(wl: ArrayLike, **settings: Any) -> SDict:
        grid = np.asarray(wl, np.float64)
        return _plain(name, function(wl=grid, **settings), grid, allowed)

    settings = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY, annotation=Any) for k, p in taken.items() if k != "wl"]
    first = inspect.Parameter("wl", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    compute.__signature__ = inspect.Signature([first, *settings])  # type: ignore[attr-defined]
    compute.__name__ = compute.__qualname__ = name
    compute.__doc__ = f"SAX model {getattr(function, '__name__', name)}."
    return Model(
        name=name,
        function=compute,
        ports=tuple(ports),
        detectors=tuple(detectors),
        ranges=dict(ranges or {}),
        reciprocal=False,
        drawn_only=dict(drawn_only or {}),
    )


def _plain(name: str, answer: Any, wl: NDArray[np.float64], allowed: set[str]) -> SDict:
    """An answer of SAX's as ours: numpy, one shape, `o1` for `o1@TE`."""
    if isinstance(answer, tuple) and len(answer) == 2 and isinstance(answer[1], Mapping):
        dense, places = np.asarray(answer[0]), answer[1]
        answer = {(a, b): dense[..., i, j] for a, i in places.items() for b, j in places.items()}
    if not isinstance(answer, Mapping):
        raise ModelError(f"{name}: answers with {type(answer).__name__}, S-parameters needed; wrap it in sax.sdict")
    found: SDict = {}
    for pair, value in answer.items():
        if not (isinstance(pair, tuple) and len(pair) == 2 and all(isinstance(port, str) for port in pair)):
            raise ModelError(f"{name}: answers for {pair!r}, a pair of ports needed; return {{(port, port): value}}")
        a, b = (port.removesuffix("@TE") for port in pair)
        stray = sorted({port.partition("@")[0] for port in (a, b)} - allowed)
        if stray:
            raise ModelError(f"{name}: answers for port {stray[0]!r}; it has {', '.join(sorted(allowed))}")
        array = np.asarray(value, np.complex128)
        try:
            found[a, b] = np.broadcast_to(array, np.broadcast_shapes(array.shape, wl.shape))
        except ValueError as error:
            raise ModelError(
                f"{name}: shape {array.shape} for {wl.size} wavelengths; return one of {wl.shape}"
            ) from error
    return found
