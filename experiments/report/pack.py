"""Arrays in a page: small integers as base64 of the narrowest type, which browsers read as they are."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

_TYPES: tuple[tuple[str, type[np.integer[Any]]], ...] = (
    ("u8", np.uint8),
    ("u16", np.uint16),
    ("i16", np.int16),
    ("i32", np.int32),
)


def pack(values: ArrayLike) -> dict[str, str]:
    """Return integers as ``{"t": type, "b": base64}``, little-endian.

    Raises
    ------
    ValueError
        If a value does not fit into 32 bits.
    """
    numbers = np.asarray(values, dtype=np.int64).ravel()
    low, high = (int(numbers.min()), int(numbers.max())) if len(numbers) else (0, 0)
    for name, kind in _TYPES:
        limits = np.iinfo(kind)
        if limits.min <= low and high <= limits.max:
            little = numbers.astype(np.dtype(kind).newbyteorder("<"))
            return {"t": name, "b": base64.b64encode(little.tobytes()).decode("ascii")}
    raise ValueError(f"{low} to {high} does not fit into 32 bits.")


def unpack(packed: dict[str, str]) -> NDArray[np.int64]:
    """Return what :func:`pack` was given, for tests."""
    kind = np.dtype(dict(_TYPES)[packed["t"]]).newbyteorder("<")
    return np.frombuffer(base64.b64decode(packed["b"]), dtype=kind).astype(np.int64)
