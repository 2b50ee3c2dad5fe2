"""Speed and memory on this machine, beside the goals: ``platetrail bench``.

Rates are the best of several rounds; times and memory of whole runs are measured from outside, in processes
of their own. Ratios compare two measurements of the same call of this command.
"""

from __future__ import annotations

import dataclasses
import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from experiments.bench_process import Measured, measure
from experiments.terminal import MANNERS
from simulator.manifest import read_manifest
from simulator.scenario import Scenario
from simulator.scenario_file import scenario_from_dict, with_overrides

_GB = 1e9
_PYTHON = (sys.executable, "-m")


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """How much is simulated."""

    capture_trips: int = 300_000
    philox_counters: int = 50_000_000
    city_nodes: int = 10_000
    city_area_km2: float = 150.0
    city_drivers: int = 20_000
    adversary_drivers: int = 3_000
    city_fixed: int = 120
    city_cars: int = 5
    days: int = 90
    longer_days: int = 360
    risk_people: int = 10_000
    unicity_people: int = 100_000
    town: tuple[str, ...] = ("demo",)
    compile_anew: bool = True
    repeats: int = 5


QUICK = Sizes(
    capture_trips=20_000,
    philox_counters=1_000_000,
    city_nodes=400,
    city_area_km2=6.0,
    city_drivers=200,
    adversary_drivers=100,
    city_fixed=12,
    city_cars=1,
    days=5,
    longer_days=20,
    risk_people=200,
    unicity_people=500,
    town=("run", "first-town", "--drivers", "40", "--days", "5", "--seed", "1"),
    compile_anew=False,
    repeats=1,
)


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of the result.

    Parameters
    ----------
    what, goal, measured
        In words, with units.
    ok
        Whether the goal is met; None where it was not judged.
    """

    what: str
    goal: str
    measured: str
    ok: bool | None


def main(*, quick: bool = False, maps: Path | None = None) -> list[Row]:
    """Measure everything; say on stderr, line by line, what has been measured.

    Parameters
    ----------
    quick
        Small sizes, to see that it works; speed and memory are then not judged.
    maps
        Folder with ``columbus.osm.pbf``, for the import of a real city.

    Returns
    -------
    list of Row
        For :func:`print_rows`.
    """
    console = Console(stderr=True, quiet=MANNERS.quiet)
    rows = []
    with console.status("measuring"):
        for row in measurements(QUICK if quick else Sizes(), maps=maps):
            # What a small size took says nothing about the goal; that results are the same does.
            judged = dataclasses.replace(row, ok=None) if quick and row.what != _SAME_BITS else row
            rows.append(judged)
            console.print(f"{judged.what}: {judged.measured}", highlight=False)
    return rows


def print_rows(console: Console, rows: list[Row], *, quick: bool) -> None:
    """Print what was measured beside the goals."""
    console.print(_table(rows))
    met = [row.ok for row in rows if row.ok is not None]
    console.print(
        f"{sum(met)} of {len(met)} goals met." if not quick else "Small sizes: goals are not judged."
    )


_SAME_BITS = "same seed, 1 worker and 2, any chunk size"


def measurements(sizes: Sizes, *, maps: Path | None = None) -> Iterator[Row]:
    """Yield one row after the other, the quick ones first."""
    yield _help(sizes)
    yield from _kernels(sizes)
    yield from _linking(sizes)
    yield _same_bits()
    yield from _town(sizes)
    yield _adversary(sizes)
    yield from _columbus(maps)
    yield from _city(sizes)


def city_scenario(sizes: Sizes, days: int) -> Scenario:
    """Return the scenario of the big rows: a generated city, fixed readers, patrol and spotter cars."""
    from simulator.adversary.catalogue import SIMPLE_ATTACKERS

    return scenario_from_dict(
        {
            "id": "bench-city",
            "title": "A city to measure speed on",
            "days": days,
            "streets": {"kind": "organic", "nodes": sizes.city_nodes, "area_km2": sizes.city_area_km2},
            "people": {"drivers": sizes.city_drivers},
            "readers": [
                {"kind": "fixed", "count": sizes.city_fixed},
                {"kind": "patrol", "count": sizes.city_cars},
                {"kind": "spotter", "count": sizes.city_cars},
            ],
            "attackers": {"names": [attacker.name for attacker in SIMPLE_ATTACKERS]},
        }
    )


def _help(sizes: Sizes) -> Row:
    took = min(measure([*_PYTHON, "experiments", "--help"]).wall_s for _ in range(sizes.repeats))
    return _at_most("platetrail --help", took, 0.7, "s", digits=2)


def _kernels(sizes: Sizes) -> Iterator[Row]:
    from experiments.bench_kernels import capture_rate, philox_rate

    rate = capture_rate(sizes.capture_trips) / 1e6
    yield Row(
        what="capture kernel, one core",
        goal="≥ 20 million sightings/s",
        measured=f"{rate:.0f} million sightings/s",
        ok=rate >= 20,
    )
    draws = philox_rate(sizes.philox_counters) / 1e6
    yield Row(what="random numbers (Philox), one core", goal="–", measured=f"{draws:.0f} million/s", ok=None)


def _linking(sizes: Sizes) -> Iterator[Row]:
    from experiments.bench_linking import risk_seconds

    what = f"home-work risks of {sizes.risk_people:,} drivers"
    yield _at_most(what, risk_seconds(sizes.risk_people), 0.5, "s", digits=2)
    took = measure([*_PYTHON, "experiments.bench_linking", str(sizes.unicity_people)])
    what = f"unicity, 4 points, {sizes.unicity_people:,} drivers × 30 days"
    yield _at_most(f"{what}: time", float(took.output.split()[-1]), 60.0, "s")
    yield _at_most(f"{what}: memory", took.peak_bytes / _GB, 4.0, "GB", digits=2)


def _same_bits() -> Row:
    from simulator.run import simulate

    scenario = city_scenario(dataclasses.replace(QUICK, city_drivers=150), 10)
    results = []
    with tempfile.TemporaryDirectory(prefix="platetrail-bench-") as folder:
        for number, (workers, chunk_drivers) in enumerate([(1, None), (1, 17), (2, 40)]):
            out = Path(folder) / str(number)
            simulate(
                scenario,
                seed=1,
                out=out,
                tables=("sightings", "trips"),
                workers=workers,
                chunk_drivers=chunk_drivers,
            )
            results.append(read_manifest(out).tables)
    differ = sorted({name for other in results for name in other if other[name] != results[0][name]})
    return Row(
        what=_SAME_BITS,
        goal="the same bits in every table",
        measured=f"different: {', '.join(differ)}" if differ else f"the same, {len(results[0])} tables",
        ok=not differ,
    )


def _town(sizes: Sizes) -> Iterator[Row]:
    """First with an empty cache of compiled kernels, then again with what that left."""
    with tempfile.TemporaryDirectory(prefix="platetrail-bench-") as folder:
        kernels = {"NUMBA_CACHE_DIR": str(Path(folder) / "kernels")} if sizes.compile_anew else {}
        for state, most in (("first ever, compiling", 60.0), ("warm", 20.0))[not sizes.compile_anew :]:
            took = measure(
                [*_PYTHON, "experiments", *sizes.town, "--out", str(Path(folder) / state), "--quiet"],
                environment=kernels,
            )
            yield _at_most(f"first-town, command to finished figures, {state}", took.wall_s, most, "s")


def _adversary(sizes: Sizes) -> Row:
    """Time the Bayesian adversary on one core: tables and all, as if for 10,000 drivers, without practice."""
    from time import process_time

    from simulator.adversary.attacker import attacker_named
    from simulator.chunks import MobileBlocks, attack_setting, capture, view_of
    from simulator.world import build_world

    days = (1, 2, 3, 5, 7, 10, 14, 21, 30, 45, 60, 75, 90)
    scenario = with_overrides(
        city_scenario(sizes, sizes.days),
        {
            "people.drivers": sizes.adversary_drivers,
            "people.vehicles_represented": sizes.city_drivers,
            "attackers.names": ["bayes"],
            "attackers.checkpoint_days": [day for day in days if day < sizes.days],
        },
    )
    world = build_world(scenario, 1)
    n, bayes = sizes.adversary_drivers, attacker_named("bayes")
    view = view_of(world, capture(world, 0, n, MobileBlocks(world)).own, 0, n)

    def once() -> tuple[float, float, float]:
        """Return drivers a second, milliseconds a driver, and seconds for tables."""
        # The first call makes the tables, too, the second does not: the difference is theirs.
        knowledge, took = attack_setting(world).knowledge, []
        for _ in range(2):
            start = process_time()
            bayes.infer(view, knowledge)
            took.append(process_time() - start)
        tables_s = took[0] - took[1]
        return 10_000 / (tables_s + took[1] * 10_000 / n), 1e3 * took[1] / n, tables_s

    # The first round compiles kernels or loads them, and does not count.
    rate, driver_ms, tables_s = max([once() for _ in range(sizes.repeats + 1)][1:])
    return Row(
        what=f"Bayesian adversary, {sizes.city_nodes:,} nodes, {sizes.days} days, "
        f"{len(scenario.checkpoints())} checkpoints, tables for 10,000 drivers included",
        goal="≥ 1,000 drivers/s",
        measured=f"{rate:,.0f} drivers/s ({driver_ms:.2f} ms each, tables {tables_s:.1f} s)",
        ok=rate >= 1_000,
    )


def _columbus(maps: Path | None) -> Iterator[Row]:
    path = None if maps is None else maps / "columbus.osm.pbf"
    if path is None or not path.is_file():
        yield Row(what="Columbus import, cold / cached", goal="≤ 60 s / ≤ 2 s", measured="no --maps", ok=None)
        return
    program = (
        "import sys, time; from pathlib import Path; from simulator.roads.import_map import import_map\n"
        "start = time.perf_counter(); import_map(Path(sys.argv[1])); print(time.perf_counter() - start)"
    )
    with tempfile.TemporaryDirectory(prefix="platetrail-bench-") as cache:
        for state, most in (("cold", 60.0), ("cached", 2.0)):
            # A new place for maps, the old one for compiled kernels: those are not what is measured.
            took = measure(
                [sys.executable, "-c", program, str(path)],
                environment={"PLATETRAIL_CACHE": cache, "PLATETRAIL_KERNEL_CACHE": "off"},
            )
            seconds = float(took.output.split()[-1])
            yield _at_most(f"Columbus import, {state}", seconds, most, "s", digits=2)


def _city(sizes: Sizes) -> Iterator[Row]:
    runs = {}
    for days in (sizes.days, sizes.longer_days):
        runs[days] = _run_city(sizes, days)
        what = f"{sizes.city_drivers:,} drivers × {days} days, {sizes.city_nodes:,} nodes, 2 workers"
        if days == sizes.days:
            yield _at_most(f"{what}: time", runs[days].wall_s, 90.0, "s")
            yield _at_most(f"{what}: memory", runs[days].peak_bytes / _GB, 2.0, "GB", digits=2)
        else:
            yield Row(what=f"{what}: time", goal="–", measured=f"{runs[days].wall_s:.1f} s", ok=None)
    ratio = runs[sizes.longer_days].peak_bytes / runs[sizes.days].peak_bytes
    yield _at_most(f"memory, {sizes.longer_days} days over {sizes.days} days", ratio, 1.25, "×", digits=2)


def _run_city(sizes: Sizes, days: int) -> Measured:
    program = (
        "import json, sys; from simulator.run import simulate; from simulator.scenario_file import *\n"
        "if __name__ == '__main__':\n"
        "    simulate(scenario_from_dict(json.load(open(sys.argv[1]))), seed=1, workers=2)\n"
    )
    with tempfile.TemporaryDirectory(prefix="platetrail-bench-") as folder:
        scenario, script = Path(folder) / "scenario.json", Path(folder) / "city.py"
        scenario.write_text(json.dumps(city_scenario(sizes, days).model_dump(mode="json")))
        script.write_text(program)
        return measure([sys.executable, str(script), str(scenario)])


def _at_most(what: str, value: float, most: float, unit: str, *, digits: int = 1) -> Row:
    return Row(what=what, goal=f"≤ {most:g} {unit}", measured=f"{value:.{digits}f} {unit}", ok=value <= most)


def _table(rows: list[Row]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("What")
    table.add_column("Goal", no_wrap=True)
    table.add_column("Measured", no_wrap=True)
    table.add_column("Met", no_wrap=True)
    words: Callable[[bool | None], str] = {True: "yes", False: "[bold red]NO[/]", None: "–"}.__getitem__
    for row in rows:
        table.add_row(row.what, row.goal, row.measured, words(row.ok))
    return table


if __name__ == "__main__":
    print_rows(Console(), main(), quick=False)
