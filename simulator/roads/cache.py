"""Imported cities kept on disk, so that a map is converted once.

A file is named by a hash of the map's bytes and the importer's version; it is written under another name and
renamed, and a file that cannot be read in full is taken for absent.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import zipfile
import zlib
from dataclasses import fields
from pathlib import Path

import numpy as np

from simulator.folders import cache_folder
from simulator.roads.city import City, LandUse
from simulator.roads.network import RoadNetwork

#: Raise this whenever the importer would make another city of the same file.
IMPORTER_VERSION = 3


def cache_file(content: bytes, kind: str) -> Path:
    """Return where the city of a map with these bytes is kept."""
    digest = hashlib.blake2b(f"{IMPORTER_VERSION}\x1f{kind}\x1f".encode(), digest_size=16)
    digest.update(content)
    return cache_folder() / f"{digest.hexdigest()}.city.npz"


def save_city(city: City, path: Path) -> None:
    """Write a city; a folder that cannot be written is no error, the next import is only slower."""
    arrays = {f"network.{f.name}": getattr(city.network, f.name) for f in fields(RoadNetwork)}
    arrays |= {f"land_use.{f.name}": getattr(city.land_use, f.name) for f in fields(LandUse)}
    arrays |= {"gateway_node": city.gateway_node, "water_x_m": city.water_x_m, "water_y_m": city.water_y_m}
    arrays |= {"crs": np.array(city.crs), "check": np.array(city.content_hash())}
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as file:
            np.savez_compressed(file, **arrays)
        os.replace(partial, path)
    except OSError:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)


def load_city(path: Path, name: str) -> City | None:
    """Return the kept city, or None if there is none that is whole."""
    try:
        with np.load(path, allow_pickle=False) as kept:
            city = City(
                name=name,
                network=RoadNetwork(**{f.name: kept[f"network.{f.name}"] for f in fields(RoadNetwork)}),
                land_use=LandUse(**{f.name: kept[f"land_use.{f.name}"] for f in fields(LandUse)}),
                gateway_node=kept["gateway_node"],
                crs=str(kept["crs"]),
                water_x_m=kept["water_x_m"],
                water_y_m=kept["water_y_m"],
            )
            return city if city.content_hash() == str(kept["check"]) else None
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error):
        return None
