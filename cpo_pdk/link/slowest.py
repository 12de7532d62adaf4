"""Which part of a chain closes the eye: the chain's closure less that with the part infinitely fast."""

from __future__ import annotations

from dataclasses import replace

from cpo_pdk.link.eye import eye_of
from cpo_pdk.link.responses import BesselThomson, Chain, Flat

#: bandwidth of an amplifier that is as good as infinitely fast, over the symbol rate: its noise has to end somewhere
_FAST = 10.0


def shares_dB(chain: Chain, modulation: str, baud_GBd: float) -> dict[str, float]:
    """What a driver, a modulator, a detector and an amplifier without limit would each give back, the most first.

    They don't add up to the whole closure: two slow parts together cost more than each alone.

    Args:
        chain: from the driver's input to the amplifier's output.
        modulation: NRZ or PAM4.
        baud_GBd: symbol rate.

    Returns:
        Part -> dB; infinite where it alone closes the eye, negative where its peaking helps.
    """
    whole = eye_of(chain, modulation, baud_GBd).closure_dB
    fast = {
        "driver": replace(chain, driver=Flat()),
        "modulator": replace(chain, modulator=Flat()),
        "detector": replace(chain, detector=Flat()),
        "tia": replace(chain, tia=BesselThomson(_FAST * baud_GBd)),
    }
    left = {name: eye_of(other, modulation, baud_GBd).closure_dB for name, other in fast.items()}
    found = {name: 0.0 if closure == whole else whole - closure for name, closure in left.items()}
    return dict(sorted(found.items(), key=lambda entry: -entry[1]))
