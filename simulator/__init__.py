"""The engine: streets, people, travel, readers, sightings, adversaries and privacy measures.

No plotting and no command line. Start at :func:`simulator.run.simulate`.
"""

from __future__ import annotations

from simulator.kernel_cache import choose_kernel_folder

# Before any module with kernels is imported.
choose_kernel_folder()
