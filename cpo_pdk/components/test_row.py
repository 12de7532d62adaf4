"""A row of grating couplers at the pitch of a fibre array, and the waveguides from them to what is measured.

::

    f4 --.        .--.
         |  out   |  |
    f3 --+--------'  |      structure i: in at one grating, out at the next
    f2 --.           |
    f1 --'  alignment loopback

Gratings look west, fibres stand on `f1`, `f2`... from south to north, and everything that is measured lies to the east.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from cpo_pdk.components.gratings import grating_coupler
from cpo_pdk.components.waveguides import bend_euler, straight, terminator
from cpo_pdk.tech.gdsfactory_safe import gf
from cpo_pdk.tech.layers import layer_of

#: pitches of fibre arrays, um
PITCHES = (127.0, 250.0)
#: straight waveguide between a grating and the first bend or device, um
LEAD = 30.0
#: smallest straight between a device and the next bend, um
REST = 2.0
#: quantity -> what a measurement of the alignment loopback gives
GRATING_LOSS = "grating_loss_dB"


@dataclass
class Row:
    """Gratings of one block, the waveguides on them, and the list of what is measured between them.

    Attributes:
        c: component to draw in.
        pitch: of the gratings in um.
        measurements: what the block says about itself, see `measurement`.
        count: number of gratings so far.
    """

    c: gf.Component
    pitch: float
    measurements: list[dict[str, Any]] = field(default_factory=list)
    count: int = 0
    _names: int = 0

    @property
    def bend_size(self) -> float:
        """From either port of a routing bend to the corner that it rounds, um."""
        return round(bend_euler().ports["o2"].center[0], 3)

    def place(self, component: gf.Component, port: Any, at: str = "o1", *, mirror: bool = False, name: str = "") -> Any:
        """Place a component with its port `at` on `port`; `name` of the instance, a running number where empty.

        Returns:
            The instance.
        """
        reference = self.c << component
        self._names += 1
        reference.name = name or f"w{self._names}"
        reference.connect(at, port, mirror=mirror)
        return reference

    def grating(self) -> Any:
        """Place the next grating to the north.

        Returns:
            Its waveguide port, which looks east.
        """
        self.count += 1
        label = f"f{self.count}"
        reference = self.c << grating_coupler()
        reference.name = f"grating_{self.count}"
        reference.rotate(180)
        y = round((self.count - 1) * self.pitch, 3)
        reference.move((0, y))
        self.c.add_port(label, port=reference.ports["o2"])
        fibre = reference.ports["o2"].center
        self.c.add_label(label, position=(fibre[0], round(fibre[1] + 30.0, 3)), layer=layer_of("TEXT"))
        return reference.ports["o1"]

    @property
    def last(self) -> str:
        """Label of the northernmost grating so far."""
        return f"f{self.count}"

    def straight(self, port: Any, length: float, **settings: Any) -> Any:
        """A straight on a port.

        Returns:
            The port at its end; `port` itself where the length is 0.
        """
        length = round(length, 3)
        return port if length == 0 else self.place(straight(length=length, **settings), port).ports["o2"]

    def turn(self, port: Any, *, left: bool) -> Any:
        """A bend of 90 degrees on a port; returns the port at its end."""
        return self.place(bend_euler(), port, mirror=not left).ports["o2"]

    def end(self, port: Any) -> None:
        """A terminator on a port that nothing else is joined to."""
        self.place(terminator(), port)

    def back(self, port: Any, x: float, grating: Any) -> None:
        """From a port that looks east, round at `x`, back to a grating north or south of it.

        Args:
            port: where the waveguide stands.
            x: of the vertical part in um.
            grating: port that looks east.
        """
        north = grating.center[1] > port.center[1]
        size = self.bend_size
        port = self.straight(port, x - size - port.center[0])
        port = self.turn(port, left=north)
        port = self.straight(port, abs(grating.center[1] - port.center[1]) - size)
        port = self.turn(port, left=north)
        self.straight(port, port.center[0] - grating.center[0])

    def beside(self, port: Any, grating: Any) -> None:
        """From a port that looks west to a grating further north.

        Args:
            port: where the waveguide stands, at least a bend east of the grating.
            grating: port that looks east.
        """
        port = self.turn(port, left=False)
        port = self.straight(port, grating.center[1] - port.center[1] - self.bend_size)
        port = self.turn(port, left=True)
        self.straight(port, port.center[0] - grating.center[0])

    def alignment(self) -> None:
        """Two gratings joined by the shortest waveguide: for alignment, and for the loss of the gratings."""
        first = self.grating()
        label = self.last
        self.back(first, LEAD + self.bend_size, self.grating())
        self.measurement("alignment", label, self.last, GRATING_LOSS, {}, "dB", "half")

    def measurement(
        self,
        name: str,
        light_in: str,
        light_out: str,
        extracts: str,
        sweep: dict[str, float],
        unit: str,
        formula: str,
        **known: float | str,
    ) -> None:
        """Note what is measured between two gratings.

        Args:
            name: of the measurement, once in a block.
            light_in: label of the grating.
            light_out: label of the grating.
            extracts: quantity; measurements of the same quantity are evaluated together.
            sweep: number that differs among them.
            unit: of the quantity.
            formula: key of `cpo_pdk.models.readout.FORMULAS`.
            **known: what the formula has to know besides.
        """
        entry: dict[str, Any] = {
            "name": name, "input": light_in, "output": light_out, "extracts": extracts,
            "sweep": sweep, "unit": unit, "formula": formula,
        }  # fmt: skip
        self.measurements.append({**entry, "known": known} if known else entry)

    def finish(self) -> gf.Component:
        """Put the list of measurements into the component.

        Returns:
            The component.
        """
        self.c.info["measurements"] = self.measurements
        return self.c
