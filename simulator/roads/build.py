"""One door to every kind of city."""

from __future__ import annotations

from simulator.errors import MapError
from simulator.roads.city import City
from simulator.roads.grid import grid_city
from simulator.roads.import_map import import_map
from simulator.roads.organic import organic_city
from simulator.roads.ring_radial import ring_radial_city
from simulator.scenario_parts import Streets
from simulator.streams import Stream, generator


def build_city(streets: Streets, seed: int) -> City:
    """Generate a city, or import a street map.

    Parameters
    ----------
    streets
        Kind, size and, for kind ``map``, the file.
    seed
        Root seed; the same seed and streets give the same city to the bit. Imported maps do not use it.

    Raises
    ------
    MapError
        If the kind is ``map`` and no file is given, or the file cannot be used.
    """
    if streets.kind == "map":
        if streets.map is None:
            raise MapError("These streets come from a map, and no map is given. Give one with --map FILE.")
        return import_map(streets.map)
    rng = generator(seed, Stream.CITY)
    if streets.kind == "ring-radial":
        return ring_radial_city(streets.nodes, streets.area_km2, rng)
    if streets.kind == "organic":
        return organic_city(streets.nodes, streets.area_km2, rng)
    return grid_city(streets.nodes, streets.area_km2, rng)
