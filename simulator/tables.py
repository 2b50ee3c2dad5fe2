"""Schemas of every table, and Parquet in and out.

A table is written whole: to a temporary name in the same folder, then renamed. Its Parquet metadata
carry the table's name and the format version, so that a file of another version gets a named error.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from simulator.errors import TableError, did_you_mean

FORMAT_VERSION = 1


@dataclass(frozen=True, kw_only=True)
class Schema:
    """Name, grain and columns (with units in their names) of one table."""

    name: str
    row: str
    columns: dict[str, pl.DataType | type[pl.DataType]]


_DRIVER_KIND = pl.Enum(["resident", "in-commuter", "visitor", "car-free"])
_SCHEDULE = pl.Enum(["day", "hybrid", "evening", "night", "rotating", "driving", "none"])
_TARGET = pl.Enum(["home", "work"])

#: Tables that other commands add to a run's folder; the run itself writes all the rest.
ADDED_TABLES = ("access_log",)

SCHEMAS: dict[str, Schema] = {
    s.name: s
    for s in (
        Schema(
            name="places",
            row="a place",
            columns={
                "place_id": pl.Int32,
                "kind": pl.Enum(
                    ["home", "work", "shop", "leisure", "school", "worship", "clinic", "external"]
                ),
                "edge_id": pl.Int32,
                "offset_m": pl.Float32,
                "x_m": pl.Float64,
                "y_m": pl.Float64,
                "weight": pl.Float32,
            },
        ),
        Schema(
            name="drivers",
            row="a driver (ground truth)",
            columns={
                "driver_id": pl.Int32,
                "plate": pl.UInt32,
                "kind": _DRIVER_KIND,
                "schedule": _SCHEDULE,
                "home_place": pl.Int32,
                "work_place": pl.Int32,
                "home_x_m": pl.Float64,
                "home_y_m": pl.Float64,
                "work_x_m": pl.Float64,
                "work_y_m": pl.Float64,
                "home_on_map": pl.Boolean,
                "work_on_map": pl.Boolean,
                "home_parking": pl.Enum(["street", "driveway", "garage", "none"]),
            },
        ),
        Schema(
            name="cameras",
            row="a reader",
            columns={
                "camera_id": pl.Int32,
                "kind": pl.Enum(["fixed", "patrol", "spotter", "lot", "face"]),
                "owner": pl.String,
                "edge_id": pl.Int32,
                "offset_m": pl.Float32,
                "both_directions": pl.Boolean,
                "x_m": pl.Float64,
                "y_m": pl.Float64,
                "read_rate": pl.Float32,
            },
        ),
        Schema(
            name="trips",
            row="a trip",
            columns={
                "driver_id": pl.Int32,
                "day": pl.Int32,
                "depart_s": pl.Int64,
                "arrive_s": pl.Int64,
                "from_place": pl.Int32,
                "to_place": pl.Int32,
                "purpose": pl.Enum(
                    ["commute", "errand", "leisure", "school", "worship", "clinic", "work-related", "visit"]
                ),
                "distance_m": pl.Float32,
            },
        ),
        Schema(
            name="sightings",
            row="one read",
            columns={
                "plate": pl.UInt32,
                "time_s": pl.Int64,
                "camera_id": pl.Int32,
                "x_m": pl.Float32,
                "y_m": pl.Float32,
            },
        ),
        Schema(
            name="example_sightings",
            row="one read of a few residents",
            columns={
                "plate": pl.UInt32,
                "time_s": pl.Int64,
                "camera_id": pl.Int32,
                "x_m": pl.Float32,
                "y_m": pl.Float32,
                "driver_id": pl.Int32,
            },
        ),
        Schema(
            name="example_beliefs",
            row="a likely street of one of these residents x target x checkpoint day",
            columns={
                "attacker": pl.Categorical,
                "driver_id": pl.Int32,
                "target": _TARGET,
                "day": pl.Int32,
                "edge_id": pl.Int32,
                "mass": pl.Float32,
            },
        ),
        Schema(
            name="camera_reads",
            row="a reader",
            columns={"camera_id": pl.Int32, "reads": pl.Int64},
        ),
        Schema(
            name="beliefs",
            row="attacker x driver x target x checkpoint day",
            columns={
                "attacker": pl.Categorical,
                "driver_id": pl.Int32,
                "target": _TARGET,
                "day": pl.Int32,
                "sightings_seen": pl.Int32,
                "x_m": pl.Float32,
                "y_m": pl.Float32,
                "confidence": pl.Float32,
                "error_m": pl.Float32,
                # Filled by attackers with a posterior only; see simulator.privacy.posterior.
                "credible_area_m2": pl.Float32,
                "truth_rank": pl.Int32,
                "truth_level": pl.Float32,
                "anonymity_set": pl.Float32,
                "entropy_bits": pl.Float32,
                "expected_error_m": pl.Float32,
                "none_mass": pl.Float32,
                "mass_within_100m": pl.Float32,
                "mass_within_250m": pl.Float32,
                "mass_within_500m": pl.Float32,
                "mass_within_1000m": pl.Float32,
            },
        ),
        Schema(
            name="pairs",
            row="attacker x driver x checkpoint day x rank: a likely pair of home and work place",
            columns={
                "attacker": pl.Categorical,
                "driver_id": pl.Int32,
                "day": pl.Int32,
                "rank": pl.Int32,
                "home_edge_id": pl.Int32,
                "home_x_m": pl.Float32,
                "home_y_m": pl.Float32,
                "work_edge_id": pl.Int32,
                "work_x_m": pl.Float32,
                "work_y_m": pl.Float32,
                "mass": pl.Float32,
                "right": pl.Boolean,
                "error_m": pl.Float32,
            },
        ),
        Schema(
            name="pair_beliefs",
            row="attacker x driver x checkpoint day: home and work place together",
            columns={
                "attacker": pl.Categorical,
                "driver_id": pl.Int32,
                "day": pl.Int32,
                "sightings_seen": pl.Int32,
                "error_m": pl.Float32,
                "truth_rank": pl.Int64,
                "truth_level": pl.Float32,
                "mass_within_100m": pl.Float32,
                "mass_within_250m": pl.Float32,
                "mass_within_500m": pl.Float32,
                "mass_within_1000m": pl.Float32,
            },
        ),
        Schema(
            name="claims",
            row="attacker x driver without a work place x checkpoint day: the work place claimed",
            columns={
                "attacker": pl.Categorical,
                "driver_id": pl.Int32,
                "day": pl.Int32,
                "sightings_seen": pl.Int32,
                "x_m": pl.Float32,
                "y_m": pl.Float32,
                "confidence": pl.Float32,
            },
        ),
        Schema(
            name="outcomes",
            row="attacker x driver x target x criterion",
            columns={
                "attacker": pl.Categorical,
                "driver_id": pl.Int32,
                "target": pl.Enum(["home", "work", "both"]),
                "criterion": pl.Categorical,
                "days": pl.Int32,
                "sightings": pl.Int32,
                "observed": pl.Boolean,
            },
        ),
        Schema(
            name="summary",
            row="attacker x target x criterion x day",
            columns={
                "attacker": pl.String,
                "target": pl.String,
                "criterion": pl.String,
                "drivers": pl.Int32,
                "day": pl.Int32,
                "share": pl.Float64,
                "share_low": pl.Float64,
                "share_high": pl.Float64,
                "median_days": pl.Float64,
                "median_days_low": pl.Float64,
                "median_days_high": pl.Float64,
                "median_sightings": pl.Float64,
                "restricted_mean_days": pl.Float64,
            },
        ),
        Schema(
            name="access_log",
            row="a look-up of a plate in one owner's sightings; simulated, written by `platetrail audit`",
            columns={
                "line": pl.Int64,
                "time_s": pl.Int64,
                "agency": pl.String,
                "plate": pl.UInt32,
                "owner": pl.String,
                "reason": pl.Enum(["stolen-car", "missing-person", "investigation", "traffic", "none"]),
                "days_back": pl.Float32,
                "violation": pl.Enum(
                    [
                        "lawful",
                        "unlawful-sharing",
                        "misconfigured",
                        "beyond-look-back",
                        "stalking",
                        "no-reason",
                    ]
                ),
            },
        ),
    )
}


def conform(name: str, frame: pl.DataFrame) -> pl.DataFrame:
    """Return the frame with the schema's column order and types.

    Raises
    ------
    TableError
        If a column is missing or unknown.
    """
    schema = SCHEMAS[name]
    if set(frame.columns) != set(schema.columns):
        missing = sorted(set(schema.columns) - set(frame.columns))
        extra = sorted(set(frame.columns) - set(schema.columns))
        raise TableError(f"Table '{name}': missing columns {missing}, unknown columns {extra}.")
    return frame.select(list(schema.columns)).cast(dict(schema.columns))  # type: ignore[arg-type]


def write_table(name: str, frame: pl.DataFrame, path: Path) -> None:
    """Write a table whole, with its name and format version in the metadata."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        conform(name, frame).write_parquet(
            partial, metadata={"platetrail.table": name, "platetrail.format": str(FORMAT_VERSION)}
        )
        os.replace(partial, path)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise TableError(f"Table '{name}' could not be written to {path}: {error}.") from error
    finally:
        partial.unlink(missing_ok=True)


def read_table(name: str, path: Path) -> pl.DataFrame:
    """Read a table.

    Raises
    ------
    TableError
        If the file is missing, torn, another table, or of another format version.
    """
    if name not in SCHEMAS:
        raise TableError(f"No table is called '{name}'. {did_you_mean(name, SCHEMAS)}")
    try:
        metadata = pl.read_parquet_metadata(path)
        frame = pl.read_parquet(path)
    except FileNotFoundError:
        raise TableError(f"Table '{name}' is missing: there is no {path}.") from None
    except (pl.exceptions.PolarsError, OSError) as error:
        raise TableError(f"{path} is torn or not a Parquet file ({error}); make the run again.") from None
    if metadata.get("platetrail.table") != name:
        raise TableError(f"{path} is not a '{name}' table of platetrail.")
    version = metadata.get("platetrail.format")
    if version != str(FORMAT_VERSION):
        raise TableError(
            f"{path} has format {version}, this program reads format {FORMAT_VERSION}; "
            "use the version that wrote it, or make the run again."
        )
    return frame


def content_hash(frame: pl.DataFrame) -> str:
    """Return a hash of a table's names, types and values, however the file was compressed or chunked.

    Texts count by their value, so that the codes of categories, which vary from run to run, do not matter.
    """
    digest = hashlib.blake2b(str(frame.height).encode(), digest_size=16)
    for column in frame.iter_columns():
        if isinstance(column.dtype, (pl.Enum, pl.Categorical, pl.String)):
            kind = "text"
            words = column.cast(pl.String)
            distinct = words.drop_nulls().unique().sort()
            for word in distinct:
                digest.update(f"{len(word.encode())}:{word}".encode())
            values = words.cast(pl.Enum(distinct)).to_physical().cast(pl.Int64).fill_null(-1)
        else:
            kind = str(column.dtype)
            values = column.cast(pl.UInt8) if column.dtype == pl.Boolean else column
            digest.update(values.is_null().to_numpy().tobytes())
            values = values.fill_null(0)
        digest.update(f"\x1f{column.name}\x1f{kind}\x1f".encode())
        digest.update(np.ascontiguousarray(values.to_numpy()).tobytes())
    return digest.hexdigest()
