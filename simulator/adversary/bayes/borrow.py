"""Kernels that borrow their arrays.

Numba counts who holds an array with every call and every slice, atomically. In kernels that look at hundreds
of short pieces of arrays for each driver this took a sixth of all time. A kernel under :data:`borrows` leaves
the counting to its caller, which holds the arrays until it returns; it cannot make arrays of its own, and
numba refuses to compile one that does.
"""

from functools import partial

from numba import njit

#: Decorates a kernel that only reads and fills arrays that its caller holds.
borrows = partial(njit, cache=True, _nrt=False)
