"""The Python way: what :mod:`platetrail` offers to notebooks and scripts."""
