"""Error correction against the binomial by hand, simulation and the ratio that standards ask for."""

from __future__ import annotations

from math import comb

import numpy as np
import pytest

from cpo_pdk.errors import ParameterError
from cpo_pdk.link.correction import CODES, ReedSolomon, codeword_failures, corrected_ber
from cpo_pdk.spec.link import FEC


def test_codes_correct_what_their_names_say() -> None:
    assert {name: code.corrects for name, code in CODES.items()} == {"KP4": 15, "KR4": 7}
    assert set(CODES) | {"none"} == set(FEC)


def test_small_code_fails_as_counted_by_hand() -> None:
    code = ReedSolomon(7, 3, 2)
    wrong = 1 - 0.9**2
    by_hand = sum(comb(7, k) * wrong**k * (1 - wrong) ** (7 - k) for k in range(3, 8))
    assert float(codeword_failures(0.1, code)) == pytest.approx(by_hand)


def test_bits_behind_the_correction_are_those_of_simulated_codewords() -> None:
    rng = np.random.default_rng(3)
    code = CODES["KR4"]
    bits = rng.random((4000, code.symbols, code.bits)) < 1.2e-3
    failed = bits.any(axis=2).sum(axis=1) > code.corrects
    assert np.mean(failed) == pytest.approx(float(codeword_failures(1.2e-3, code)), rel=0.1)
    assert bits[failed].sum() / bits.size == pytest.approx(float(corrected_ber(1.2e-3, "KR4")), rel=0.1)


@pytest.mark.parametrize("fec", ["KP4", "KR4"])
def test_threshold_of_the_standard_leaves_next_to_nothing(fec: str) -> None:
    assert 1e-16 < float(corrected_ber(FEC[fec][0], fec)) < 1e-12
    assert float(corrected_ber(0.0, fec)) == 0.0
    ratios = corrected_ber(np.geomspace(1e-6, 1e-2, 20), fec)
    assert np.all(np.diff(ratios) >= 0)


def test_without_correction_nothing_is_corrected() -> None:
    assert float(corrected_ber(1e-9, "none")) == 1e-9
    with pytest.raises(ParameterError, match="KP4"):
        corrected_ber(1e-9, "LDPC")
    with pytest.raises(ParameterError, match="between 0 and 1"):
        codeword_failures(1.5, CODES["KP4"])
