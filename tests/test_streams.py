"""Random streams: known answers, a plain reference, uniformity and independence."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from simulator.streams import Stream, generator, philox, replicate_seed, stream_key, uniforms

WORD = 2**32
words = st.integers(0, WORD - 1)


def reference_philox(key: int, counter: list[int]) -> list[int]:
    """Philox4x32-10 as in Salmon et al. 2011, section 3.3, in plain Python integers."""
    k0, k1 = key % WORD, key // WORD
    x0, x1, x2, x3 = counter
    for _ in range(10):
        high0, low0 = divmod(0xD2511F53 * x0, WORD)
        high1, low1 = divmod(0xCD9E8D57 * x2, WORD)
        x0, x1, x2, x3 = high1 ^ x1 ^ k0, low1, high0 ^ x3 ^ k1, low0
        k0, k1 = (k0 + 0x9E3779B9) % WORD, (k1 + 0xBB67AE85) % WORD
    return [x0, x1, x2, x3]


@pytest.mark.parametrize(
    ("counter", "key", "expected"),
    [  # the known-answer vectors of Random123, philox4x32 with 10 rounds
        ("00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
        ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"),
        ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"),
    ],
)
def test_known_answers(counter: str, key: str, expected: str) -> None:
    c = [int(word, 16) for word in counter.split()]
    k0, k1 = (int(word, 16) for word in key.split())
    want = [int(word, 16) for word in expected.split()]
    assert reference_philox(k0 + k1 * WORD, c) == want
    assert [int(w) for w in philox(np.uint64(k0 + k1 * WORD), *map(np.uint64, c))] == want


@settings(max_examples=200, deadline=None)
@given(key=st.integers(0, 2**64 - 1), counter=st.lists(words, min_size=4, max_size=4))
def test_kernel_is_the_plain_reference(key: int, counter: list[int]) -> None:
    got = philox(np.uint64(key), *map(np.uint64, counter))
    assert [int(w) for w in got] == reference_philox(key, counter)


@settings(max_examples=100, deadline=None)
@given(key=st.integers(0, 2**64 - 1), counter=st.lists(words, min_size=4, max_size=4))
def test_uniforms_are_the_words_scaled(key: int, counter: list[int]) -> None:
    got = uniforms(np.uint64(key), *map(np.uint64, counter))
    assert list(got) == [(word + 0.5) / WORD for word in reference_philox(key, counter)]
    assert all(0.0 < u < 1.0 for u in got)


def draws(key: int, n: int) -> np.ndarray:
    """Four uniforms for each of n neighbouring counters, shape (n, 4)."""
    return np.array([uniforms(np.uint64(key), i % 7, i // 7, 3, 0) for i in range(n)])


def test_neighbouring_counters_give_independent_uniforms() -> None:
    u = draws(stream_key(1, Stream.READ_FIXED), 20_000)
    for lane in range(4):
        assert stats.kstest(u[:, lane], "uniform").pvalue > 1e-4
    # Correlation of independent uniforms has standard error n ** -0.5.
    bound = 4 / np.sqrt(len(u) - 1)
    assert np.abs(np.corrcoef(u.T) - np.eye(4)).max() < bound
    assert abs(np.corrcoef(u[:-1, 0], u[1:, 0])[0, 1]) < bound


@pytest.mark.parametrize(
    "other",
    [
        stream_key(1, Stream.READ_LOT),
        stream_key(2, Stream.READ_FIXED),
        stream_key(1, Stream.READ_FIXED, "a group"),
    ],
)
def test_streams_are_independent_of_each_other(other: int) -> None:
    a, b = draws(stream_key(1, Stream.READ_FIXED), 10_000)[:, 0], draws(other, 10_000)[:, 0]
    assert abs(np.corrcoef(a, b)[0, 1]) < 4 / np.sqrt(len(a))
    assert stats.kstest((a + b) % 1.0, "uniform").pvalue > 1e-4  # uniform only if independent


def test_names_and_keys_are_unique() -> None:
    assert len({s.value for s in Stream}) == len(Stream)
    keys = [
        stream_key(seed, s, *e) for seed in range(5) for s in Stream for e in ((), (1,), (2,), ("1", "2"))
    ]
    assert len(set(keys)) == len(keys)
    # Ids are joined with a separator: (1, 23) is not (12, 3).
    assert stream_key(0, Stream.CITY, 1, 23) != stream_key(0, Stream.CITY, 12, 3)


def test_keys_do_not_change_between_versions() -> None:
    """A stored seed must give the same town for ever: BLAKE2b is the same everywhere."""
    assert stream_key(1, Stream.CITY) == 0x2A9BC53DBD71465E
    assert stream_key(2**70, Stream.READ_FIXED, "street-readers", 3) == 0xED13361926F7A5C5
    assert [replicate_seed(1, r) for r in (0, 1)] == [4215923173971654960, 2021340933837429789]


def test_generators_repeat_and_differ() -> None:
    a, again = generator(3, Stream.CITY).random(8), generator(3, Stream.CITY).random(8)
    assert np.array_equal(a, again)
    for other in (generator(4, Stream.CITY), generator(3, Stream.DRIVERS), generator(3, Stream.CITY, 0)):
        assert not np.array_equal(a, other.random(8))


def test_replicate_seeds_differ_and_fit_in_63_bits() -> None:
    seeds = [replicate_seed(root, r) for root in range(20) for r in range(50)]
    assert len(set(seeds)) == len(seeds)
    assert all(0 <= s < 2**63 for s in seeds)
    assert replicate_seed(7, 3) == replicate_seed(7, 3)
