"""Values of the bound models: every distinct (model, parameters) computed and checked once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cpo_pdk.circuit.binding import Bound, ModelLike
from cpo_pdk.circuit.flattening import FlatCircuit
from cpo_pdk.circuit.passivity import check_passive
from cpo_pdk.circuit.solver import SDict
from cpo_pdk.errors import CpoError, ModelError


class Evaluator:
    """Computes S-matrices of bound cells on one wavelength grid.

    Attributes:
        wl: um, shape (W,).
        warnings: what the check of the matrices had to say.
        distinct: number of model evaluations made.
    """

    def __init__(self, wl: NDArray[np.float64]) -> None:
        self.wl = np.asarray(wl, np.float64)
        self.warnings: list[str] = []
        self._known: dict[tuple[Any, ...], SDict] = {}

    @property
    def distinct(self) -> int:
        return len(self._known)

    def matrix(self, name: str, model: ModelLike, params: Mapping[str, Any]) -> SDict:
        """S-matrix of one device.

        Args:
            name: of the instance, for messages.
            model, params: see `Bound`; arrays must broadcast against `wl`.

        Raises:
            ModelError: the model refuses its parameters, or answers with NaN, gain, a wrong shape or an unknown port.
        """
        key = (model.name, *((k, _hashable(v)) for k, v in sorted(params.items())))
        known = self._known.get(key)
        if known is not None:
            return known
        try:
            raw = model.function(self.wl, **params)
        except CpoError as error:
            raise ModelError(f"{name}: {error}") from error
        matrix: dict[tuple[str, str], NDArray[np.complex128]] = {}
        allowed = {*model.ports, *model.detectors}
        for pair, value in raw.items():
            stray = sorted({port.partition("@")[0] for port in pair} - allowed)
            if stray:
                raise ModelError(f"{name}: model {model.name} answers for port {stray[0]!r}, which it doesn't declare")
            array = np.asarray(value, np.complex128)
            if array.ndim and array.shape[-1] not in (1, self.wl.size):
                raise ModelError(f"{name}: model {model.name} gives shape {array.shape} for {self.wl.size} wavelengths")
            matrix[pair] = array
        warning = check_passive(f"{name} ({model.name})", matrix, self.wl, model.gain_limit)
        if warning:
            self.warnings.append(warning)
        self._known[key] = matrix
        return matrix

    def circuit(
        self, circuit: FlatCircuit, bound: Mapping[str, Bound], overrides: Mapping[str, Mapping[str, Any]] | None = None
    ) -> dict[str, SDict]:
        """S-matrix of every leaf that has a model.

        Args:
            circuit: see `flatten`.
            bound: see `bind`.
            overrides: path -> parameters that win over the bound ones (tuning, voltage).
        """
        overrides = overrides or {}
        values: dict[str, SDict] = {}
        at_rest: dict[str, SDict] = {}
        for path, leaf in circuit.leaves.items():
            entry = bound.get(leaf.cell)
            if entry is None or entry.model is None:
                continue
            if path in overrides:
                values[path] = self.matrix(path, entry.model, {**entry.params, **overrides[path]})
                continue
            if leaf.cell not in at_rest:
                at_rest[leaf.cell] = self.matrix(path, entry.model, entry.params)
            values[path] = at_rest[leaf.cell]
        return values


def _hashable(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return (value.shape, value.dtype.str, value.tobytes())
    if isinstance(value, list | tuple):
        return tuple(_hashable(item) for item in value)
    if isinstance(value, dict):
        return tuple(sorted((key, _hashable(item)) for key, item in value.items()))
    return value


def structure_of(values: Mapping[str, SDict]) -> dict[str, list[tuple[str, str]]]:
    """Elements that are not zero at every wavelength, by instance; instances with one matrix share one list."""
    known: dict[int, list[tuple[str, str]]] = {}
    for matrix in values.values():
        if id(matrix) not in known:
            known[id(matrix)] = [pair for pair, value in matrix.items() if np.any(value)]
    return {name: known[id(matrix)] for name, matrix in values.items()}
