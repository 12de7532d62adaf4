"""What lies between two packages, what judges their lanes, and the limits that a package has to keep."""

from __future__ import annotations

from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import Field, ValidatorFunctionWrapHandler, WrapValidator
from pydantic_core import PydanticCustomError

from cpo_pdk.spec.bounds import bounded, counted
from cpo_pdk.spec.model import Name, SpecModel
from cpo_pdk.spec.suggestions import did_you_mean

FEC: MappingProxyType[str, tuple[float, str]] = MappingProxyType(
    {
        "KP4": (2.4e-4, "RS(544,514), IEEE 802.3 clause 91/119: pre-FEC BER of 400GBASE-DR4 and FR4 data sheets"),
        "KR4": (2.1e-5, "RS(528,514), IEEE 802.3 clause 91 (from memory)"),
        "none": (1e-12, "no correction: BER of NRZ links without FEC (IEEE 802.3, from memory)"),
    }
)
"""Error correction -> largest bit error ratio before it, and where that number is from."""


def _known_fec(value: Any, inner: ValidatorFunctionWrapHandler) -> Any:
    """Validator: the name of an error correction that is known."""
    if not isinstance(value, str) or value not in FEC:
        hint = did_you_mean(value, FEC) if isinstance(value, str) else ""
        text = f'unknown FEC "{value}"{hint or "; there are: " + ", ".join(FEC)}, or give link.pre_fec_BER'
        raise PydanticCustomError("fec", "{text}", {"text": text})
    return inner(value)


class LinkParts(SpecModel):
    """Sheets in `components/parts/` of what is bought, not drawn; default: those that fit architecture and rate."""

    laser: Name | None = Field(default=None, description="external laser")
    connector: Name | None = Field(default=None, description="fibre connector, one mated pair")
    driver: Name | None = Field(default=None, description="driver of the modulators")
    tia: Name | None = Field(default=None, description="receiver amplifier")
    serdes: Name | None = Field(default=None, description="electrical interface between ASIC and engines")
    control: Name | None = Field(default=None, description="loops, monitors and controllers of an engine")

    def named(self) -> dict[str, str]:
        """Kind -> name, of those that the spec names."""
        return {kind: name for kind, name in self.model_dump().items() if name is not None}


class Link(SpecModel):
    """From the faceplate of one package to that of another of the same kind, and what a lane is judged by."""

    fec: Annotated[str, WrapValidator(_known_fec)] = Field(
        default="KP4", description=f"error correction: {', '.join(FEC)}; sets the bit error ratio that a lane may have"
    )
    pre_fec_BER: (
        Annotated[float, bounded(1e-18, 0.1, "", "largest bit error ratio before correction", "KP4: 2.4e-4")] | None
    ) = Field(default=None, description="largest bit error ratio before correction, in place of that of `fec`")
    length_m: Annotated[
        float, bounded(0, 100_000, "m", "fibre between the two faceplates", "a rack to a campus; in metres")
    ] = 100.0
    connectors: Annotated[
        int, counted(0, 20, "mated pairs between the two packages, both faceplates counted", "two to six as a rule")
    ] = 4
    laser_connectors: Annotated[
        int, counted(0, 10, "mated pairs between laser and engine", "the blind-mate pair of the laser module: 1")
    ] = 1
    aging_dB: Annotated[
        float, bounded(0, 10, "dB", "kept for ageing and repairs of the fibre", "0 to 1 dB in budgets")
    ] = 0.0
    parts: LinkParts = Field(default_factory=LinkParts, description="sheets of what is bought")


class Require(SpecModel):
    """Limits as gates, exit code 1: all in `cpo build`, the margin in `cpo budget`, others in `cpo thermal`."""

    margin_dB: Annotated[float, bounded(-50, 50, "dB", "smallest margin of any lane", "1 to 3 dB")] | None = Field(
        default=None, description="smallest margin of any lane in any state, dB"
    )
    energy_pJ_bit: Annotated[float, bounded(0.01, 1000, "pJ/bit", "energy", "CPO 5 to 7")] | None = Field(
        default=None, description="largest energy of the optics a bit at full load, pJ/bit"
    )
    asic_C: Annotated[float, bounded(0, 150, "C", "hottest spot of the ASIC", "105 C as a rule")] | None = Field(
        default=None, description="hottest spot of the ASIC in any state, C"
    )
    engine_C: Annotated[float, bounded(0, 150, "C", "hottest spot of an engine", "70 to 105 C")] | None = Field(
        default=None, description="hottest spot of any engine in any state, C"
    )
    engine_spread_C: Annotated[float, bounded(0, 100, "C", "hottest less coolest engine", "1.2 to 2.4 C")] | None = (
        Field(default=None, description="hottest less coolest engine in any state, C")
    )
    heater_headroom_mW: Annotated[float, bounded(0, 1000, "mW", "heater power left", "some mW")] | None = Field(
        default=None, description="heater power that any ring has left, up and down, in any state, mW"
    )
    yield_pct: Annotated[float, bounded(0, 100, "%", "share of packages that work", "90 to 99.9")] | None = Field(
        default=None, description="share of packages that work as made, before repair, lower end of its interval, %"
    )


class Cluster(SpecModel):
    """The machine that such packages make up, for energy and carbon in a year."""

    ports: Annotated[int, counted(1, 1_000_000_000, "ports of the machine", "thousands to millions")]
    port_Gbps: Annotated[float, bounded(1, 100_000, "Gb/s", "bandwidth of one port, each way", "100 to 1600")] = 800.0
    hours: Annotated[float, bounded(1, 8784, "h", "hours a year", "8760 is always")] = 8760.0
    pue: Annotated[float, bounded(1, 5, "", "power usage effectiveness", "1.1 to 1.6")] = 1.2
    carbon_g_kWh: Annotated[float, bounded(0, 2000, "g/kWh", "carbon of the electricity", "0 to 1000")] = 400.0
    state: Literal["idle", "typical", "full"] = Field(
        default="typical", description="state whose power is counted: idle, typical, full"
    )
