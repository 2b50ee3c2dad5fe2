"""Wilson's interval against scipy's."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from simulator.privacy.time_to_inference import wilson


@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.99])
@pytest.mark.parametrize(("k", "n"), [(0, 1), (1, 1), (0, 400), (400, 400), (3, 7), (137, 251)])
def test_wilson_is_scipys(k: int, n: int, confidence: float) -> None:
    expected = stats.binomtest(k, n).proportion_ci(confidence, method="wilson")
    low, high = wilson(k, n, confidence=confidence)
    assert (float(low), float(high)) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_wilson_is_elementwise() -> None:
    low, high = wilson([0, 5, 10], [10, 10, 10])
    assert low[0] == 0.0 and high[2] == 1.0
    assert np.allclose(low + high[::-1], 1.0)  # found and not found are mirror images
