"""Tables: round trips, the content hash, and files that are torn, foreign or do not fit on the disk."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.errors import TableError
from simulator.tables import SCHEMAS, conform, content_hash, read_table, write_table


def sightings(n: int = 5) -> pl.DataFrame:
    rng = np.random.default_rng(n)
    return conform(
        "sightings",
        pl.DataFrame(
            {
                "plate": rng.integers(0, 2**32, n),
                "time_s": np.sort(rng.integers(0, 10**7, n)),
                "camera_id": rng.integers(0, 9, n),
                "x_m": rng.normal(size=n),
                "y_m": rng.normal(size=n),
            }
        ),
    )


def example(name: str) -> pl.DataFrame:
    """Return three rows of any table, with a null in every column's last row."""
    columns = {}
    for column, dtype in SCHEMAS[name].columns.items():
        if isinstance(dtype, pl.Enum):
            columns[column] = [dtype.categories[0], dtype.categories[-1], None]
        elif dtype in (pl.String, pl.Categorical):
            columns[column] = ["an a", "ö", None]
        elif dtype == pl.Boolean:
            columns[column] = [True, False, None]
        else:
            columns[column] = [0, 3, None]
    return conform(name, pl.DataFrame(columns))


@pytest.mark.parametrize("name", SCHEMAS)
def test_round_trip(name: str, tmp_path: Path) -> None:
    frame, path = example(name), tmp_path / "a.parquet"
    write_table(name, frame, path)
    back = read_table(name, path)
    assert back.equals(frame) and back.schema == frame.schema
    assert content_hash(back) == content_hash(frame)
    write_table(name, frame.head(0), path)
    assert read_table(name, path).height == 0
    assert [p.name for p in tmp_path.iterdir()] == ["a.parquet"]


def test_conform_orders_casts_and_refuses() -> None:
    frame = pl.DataFrame({"reads": [3], "camera_id": [1]})
    assert conform("camera_reads", frame).schema == {"camera_id": pl.Int32, "reads": pl.Int64}
    with pytest.raises(TableError, match=r"'camera_reads': missing .*'reads'.*, unknown .*'n'"):
        conform("camera_reads", frame.rename({"reads": "n"}))


@pytest.mark.parametrize("part", [0.0, 0.3, 0.9, 0.999])
def test_torn_files(part: float, tmp_path: Path) -> None:
    path = tmp_path / "sightings.parquet"
    write_table("sightings", sightings(2000), path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(part * len(whole))])
    with pytest.raises(TableError, match=r"sightings\.parquet is torn or not a Parquet file"):
        read_table("sightings", path)


def test_missing_foreign_and_misnamed_files(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    with pytest.raises(TableError, match="'sightings' is missing"):
        read_table("sightings", path)
    write_table("camera_reads", pl.DataFrame({"camera_id": [1], "reads": [2]}), path)
    with pytest.raises(TableError, match="is not a 'sightings' table"):
        read_table("sightings", path)
    sightings().write_parquet(path)
    with pytest.raises(TableError, match="is not a 'sightings' table"):
        read_table("sightings", path)
    with pytest.raises(TableError, match=r"No table is called 'sighting'\. Did you mean 'sightings'"):
        read_table("sighting", path)


def test_other_format_version(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    sightings().write_parquet(path, metadata={"platetrail.table": "sightings", "platetrail.format": "999"})
    with pytest.raises(TableError, match="has format 999, this program reads format 1"):
        read_table("sightings", path)


FULL_DISK = """
import resource, signal, sys
from pathlib import Path
import numpy as np, polars as pl
from simulator.errors import TableError
from simulator.manifest import write_text_whole
from simulator.tables import write_table
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
reads = np.random.default_rng(0).permutation(200_000)
frame = pl.DataFrame({"camera_id": np.arange(200_000), "reads": reads})
write_table("camera_reads", frame.head(3), Path(sys.argv[1]) / "old.parquet")
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
for name in ("old.parquet", "new.parquet"):
    try:
        write_table("camera_reads", frame, Path(sys.argv[1]) / name)
    except TableError as error:
        print(error)
try:
    write_text_whole(Path(sys.argv[1]) / "summary.csv", "x" * 100_000)
except TableError as error:
    print(error)
"""


def test_full_disk_leaves_nothing_half_written(tmp_path: Path) -> None:
    """A limit on the size of files fails writes as a full disk does."""
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert done.stdout.count("could not be written") == 3
    assert [p.name for p in tmp_path.iterdir()] == ["old.parquet"]
    assert read_table("camera_reads", tmp_path / "old.parquet").height == 3, "the old table is still whole"


def test_folder_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="could not be written"):
        write_table("sightings", sightings(), tmp_path / "absent" / "a.parquet")


def test_content_hash_knows_values_names_types_and_order() -> None:
    frame = sightings(50)
    same = content_hash(frame)
    assert content_hash(pl.concat([frame.head(20), frame.tail(30)])) == same, "chunks do not matter"
    assert content_hash(frame.clone()) == same
    others = [
        frame.head(49),
        frame.reverse(),
        frame.rename({"x_m": "u_m"}),
        frame.select(reversed(frame.columns)),
        frame.with_columns(pl.col("time_s").cast(pl.UInt64)),
        frame.with_columns(x_m="y_m", y_m="x_m"),
        frame.with_columns(pl.when(pl.col("camera_id") > 0).then("camera_id").alias("camera_id")),
    ]
    assert len({same, *map(content_hash, others)}) == len(others) + 1


texts = st.lists(st.one_of(st.none(), st.text(alphabet="ab\x00\x1f:1", max_size=3)), max_size=5)


@settings(max_examples=200, deadline=None)
@given(a=texts, b=texts)
def test_content_hash_of_texts(a: list[str | None], b: list[str | None]) -> None:
    one, two = (pl.DataFrame({"word": pl.Series(v, dtype=pl.String)}) for v in (a, b))
    assert (content_hash(one) == content_hash(two)) == (a == b)
    assert content_hash(one) == content_hash(one.cast(pl.Categorical)), "codes of categories do not matter"


def test_content_hash_of_booleans_with_nulls() -> None:
    values = ([True, None], [False, None], [None, True])
    frames = [pl.DataFrame({"a": v}, schema={"a": pl.Boolean}) for v in values]
    first = [content_hash(f) for f in frames]
    assert first == [content_hash(f.clone()) for f in frames] and len(set(first)) == 3


def test_content_hash_does_not_change_between_versions() -> None:
    """Manifests hold these hashes; a change needs a new format version."""
    frame = pl.DataFrame({"camera_id": [1, 2], "word": ["a", None], "on": [True, False]})
    assert content_hash(frame) == "3b96d54b8618f952d957205627654597"
