"""The inverse: accuracies that yields need, against closed forms and against the sampling that they came from."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from scipy.special import ndtri
from scipy.stats import chi2

from cpo_pdk.attach.accuracy import ALL, Study, accuracy, breaking, check, quantile, samples_for, savings
from cpo_pdk.attach.document import tolerance_csv, tolerance_json
from cpo_pdk.attach.limits import Limit, least
from cpo_pdk.attach.model import AXES, BODY, AttachModel
from cpo_pdk.attach.tolerance import Asked, tolerance
from cpo_pdk.errors import InputError
from cpo_pdk.models.mode_overlap import DB
from cpo_pdk.variation.samples import Draw

Make = Callable[..., AttachModel]


def study(model: AttachModel, limit_dB: float = 1.0, samples: int = 4000) -> Study:
    return Study(model, Limit.each_fibre(model.facet, limit_dB), model.draws(Draw(5, np.arange(samples)), 1))


def test_a_shift_alone_needs_the_accuracy_of_its_normal_distribution(array: Make) -> None:
    found = accuracy(study(array(y_um=0.3)), "y_um", 0.95)
    reach = 2.0 / math.sqrt(DB)
    want = reach / ndtri(0.975)
    assert found.low is not None and found.high is not None and found.needed is not None
    assert found.low <= want <= found.high
    assert found.needed == pytest.approx(want, rel=0.04)
    assert found.alone == pytest.approx(found.needed), "there is nothing else"
    assert found.ceiling.value == 1.0


def test_both_shifts_scaled_together_need_that_of_rayleigh(array: Make) -> None:
    found = accuracy(study(array(x_um=0.25, y_um=0.25)), ALL, 0.9)
    want = 2.0 / math.sqrt(DB) / math.sqrt(chi2.ppf(0.9, 2)) / 0.25
    assert found.unit == "1"
    assert found.low is not None and found.high is not None
    assert found.low <= want <= found.high


@pytest.mark.parametrize("name", ["x_um", "roll_deg", "yaw_deg", "core_um", ALL])
def test_what_is_needed_gives_the_yield_and_a_little_more_does_not(array: Make, name: str) -> None:
    model = array(gap_um=4.0, x_um=0.1, y_um=0.1, z_um=0.5, roll_deg=0.01, yaw_deg=0.1, pitch_error_um=0.1, core_um=0.1)
    asked = study(model, samples=2000)
    found = accuracy(asked, name, 0.9, alone=False)
    assert found.needed is not None

    needed = found.needed

    def good(factor: float) -> float:
        names = BODY if name == ALL else {name}
        base = {each: model.sigma[each] if name == ALL else 1.0 for each in names}
        return float(asked.good({each: factor * needed * base[each] for each in names}).mean())

    assert good(1.0) >= 0.9
    assert good(1.02) < 0.905
    assert good(1.3) < 0.9
    errors, kept = found.curve
    assert (np.diff(kept) <= 0).all() and (np.diff(errors) > 0).all()
    assert kept[0] == pytest.approx(found.ceiling.value)


def test_outer_fibres_make_the_roll_of_a_wide_array_strict(array: Make) -> None:
    needed = [accuracy(study(array(count=n, roll_deg=0.02)), "roll_deg", 0.95).needed for n in (5, 9, 17)]
    assert None not in needed
    ratios = np.array(needed[:-1], float) / np.array(needed[1:], float)
    np.testing.assert_allclose(ratios, 2.0, rtol=0.02, err_msg="twice as wide, twice as strict")


def test_an_error_that_the_sheet_has_not_may_still_be_asked_for(array: Make) -> None:
    found = accuracy(study(array(x_um=0.2)), "yaw_deg", 0.9)
    assert found.sheet == 0.0
    assert found.needed is not None and found.needed > 0.05


def test_no_accuracy_of_one_helps_where_the_others_are_too_bad(array: Make) -> None:
    found = accuracy(study(array(x_um=0.8, core_um=0.2)), "core_um", 0.95)
    assert found.needed is None and found.low is None
    assert found.ceiling.value < 0.9
    assert found.alone is not None, "with everything else perfect there is one"


def test_what_no_error_can_spoil_has_no_limit(array: Make) -> None:
    found = accuracy(study(array(count=1, x_um=0.01), limit_dB=3.0), "roll_deg", 0.9)
    assert found.at_least, "a single fibre doesn't feel a roll about itself"


def test_breaking_points_grow_with_what_may_be_lost(array: Make) -> None:
    model = array(x_um=0.2, roll_deg=0.01, core_um=0.1)
    tight, wide = (breaking(study(model, limit, 500), "x_um")[0] for limit in (0.5, 1.5))
    assert (wide >= tight).all()


def test_savings_name_the_error_that_costs_most(array: Make) -> None:
    found = savings(study(array(x_um=0.5, core_um=0.1, mode_field_pct=1.0)))
    assert found[0].name == "x_um"
    assert {one.name for one in found} == set(AXES)
    assert found[0].mean_dB < found[-1].mean_dB


def test_quantiles_of_order_statistics_cover_the_truth() -> None:
    rng = np.random.default_rng(3)
    truth, hit = -math.log(0.9), 0  # largest factor that 90 % of exponential breaking points exceed: -ln(0.9)
    for _ in range(300):
        value, low, high = quantile(rng.exponential(size=400), 0.9)
        assert low <= value <= high
        hit += low <= truth <= high
    assert 0.9 <= hit / 300 <= 0.99
    assert quantile(np.full(100, np.inf), 0.9)[0] == np.inf
    assert quantile(np.zeros(100), 0.9) == (0.0, 0.0, 0.0)


def test_yields_that_samples_cannot_show_are_refused(array: Make) -> None:
    assert samples_for(0.99) == 368
    with pytest.raises(
        InputError, match=r"100 samples can't tell whether 99 % of the fibre arrays are good, 368 needed"
    ):
        check(0.99, 100)
    for share in (0.0, 1.0, 1.2, math.nan):
        with pytest.raises(InputError, match="above 0 and below 100 needed"):
            check(share, 10_000)
    with pytest.raises(InputError, match="warp is no error of a fibre array"):
        accuracy(study(array(x_um=0.1), samples=200), "warp", 0.5)


def test_limits_of_lanes_add_what_a_way_loses(array: Make) -> None:
    facet = array(count=3).facet
    slack = least([(("tx_1", "tx_2"), 1.5), (("tx_3",), 0.7), (("tx_1", "tx_2"), 1.2)])
    limit = Limit.lanes(facet, slack, "margin")
    np.testing.assert_allclose(limit.allowed_dB, [1.2, 0.7])
    excess = np.array([[0.5, 0.6, 0.6], [0.7, 0.6, 0.1], [0.1, 0.1, 0.8]])
    np.testing.assert_array_equal(limit.good(excess), [True, False, False])
    with pytest.raises(InputError, match="passes port rx_9"):
        Limit.lanes(facet, {("rx_9",): 1.0}, "")
    with pytest.raises(InputError, match="no lane passes"):
        Limit.lanes(facet, {}, "")
    with pytest.raises(InputError, match=r"may lose -1 dB more, a number above 0 needed"):
        Limit.each_fibre(facet, -1.0)
    with pytest.raises(InputError, match="only loopbacks"):
        Limit.each_fibre(array(count=2, use="loop").facet, 1.0)


def test_the_whole_analysis_holds_together(array: Make) -> None:
    model = array(gap_um=5.0, x_um=0.2, y_um=0.2, roll_deg=0.01, core_um=0.1)
    asked = Asked("p", "p_engine", 8, Limit.each_fibre(model.facet, 1.0), 0.5, samples=400)
    found = tolerance(model, asked, pairs=4, connector="mpo_connector")
    assert found.array.low < found.array.value < found.array.high
    assert found.package.value == pytest.approx(found.array.value**8)
    assert found.fibre.value > found.array.value, "one fibre of nine is good more often than all of them"
    assert (np.diag(found.correlation) == 1).all() and np.abs(found.correlation).max() <= 1 + 1e-9
    assert found.correlation[0, 1] > found.correlation[0, 8], "neighbours share the roll, the ends feel it oppositely"
    assert found.quantiles_dB[99.0].min() > found.mean_dB.max()
    document = tolerance_json(found)
    assert document["yield"]["array"]["value"] == pytest.approx(found.array.value, rel=1e-5)
    assert len(document["fibres"]) == 9 == len(document["correlation"])
    rows = tolerance_csv(found).splitlines()
    assert rows[0].startswith("port,use,x_um") and len(rows) == 10
    again = tolerance(model, asked, pairs=4, connector="mpo_connector")
    assert tolerance_json(again) == document
    with pytest.raises(InputError, match="samples is 3, 10 to 1000000 allowed"):
        tolerance(model, Asked("p", "e", 8, asked.limit, 0.5, samples=3))


def test_a_package_is_as_strict_as_all_its_arrays(array: Make) -> None:
    model = array(count=3, x_um=0.2)
    limit = Limit.each_fibre(model.facet, 1.0)
    each = tolerance(model, Asked("p", "e", 4, limit, 0.9, samples=200))
    whole = tolerance(model, Asked("p", "e", 4, limit, 0.9**4, "package", samples=200))
    assert whole.accuracies[0].needed == pytest.approx(each.accuracies[0].needed)
