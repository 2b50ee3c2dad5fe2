"""Make a small town's traffic with SUMO: streets, drivers of a demand of its own, routes with exit times.

Nothing here is this project's: streets come from SUMO's netconvert, routes from its duarouter (each trip with
random errors of the travel times), drives from its mesoscopic model. Only who wants to go where, and when,
is written below: tours from a home to work, shops and other people's houses, some beyond the town's border.

Usage: ``python -m experiments.sumo_town DIR [--side 14] [--drivers 120] [--days 14] [--seed 1]``, with the
extra ``sumo`` installed. DIR gets ``town.net.xml.gz``, ``routes.xml.gz`` and ``homes.csv``.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import itertools
import math
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from simulator.errors import PlatetrailError, TrafficError

BLOCK_M = 150.0
DAY_S = 86_400
_LEAST_SIDE = 10
Spot = tuple[str, float]  # SUMO's edge and the metres along it


def _tool(name: str) -> str:
    try:
        import sumo
    except ImportError as error:
        raise TrafficError("Making traffic needs SUMO: pip install 'platetrail[sumo]'") from error
    return str(Path(sumo.SUMO_HOME) / "bin" / name)


def write_streets(folder: Path, side: int, rng: random.Random) -> None:
    """Write an uneven grid: main roads on every sixth line, a few blocks of side streets left out."""
    nodes, edges = [], []
    for i in range(side):
        for j in range(side):
            x = BLOCK_M * (i + rng.uniform(-0.25, 0.25))
            y = BLOCK_M * (j + rng.uniform(-0.25, 0.25))
            nodes.append(f'<node id="{i}.{j}" x="{x:.1f}" y="{y:.1f}" type="priority"/>')
    for i in range(side):
        for j in range(side):
            for a, b, line in ((i + 1, j, j), (i, j + 1, i)):
                if a >= side or b >= side:
                    continue
                kind, speed, lanes = "residential", 8.3, 1
                if line % 12 == 3:
                    kind, speed, lanes = "primary", 13.9, 2
                elif line % 6 == 3:
                    kind, speed, lanes = "secondary", 13.9, 1
                elif rng.random() < 0.12:
                    continue
                rest = f'type="highway.{kind}" speed="{speed}" numLanes="{lanes}" priority="{4 + 4 * lanes}"'
                for u, v in (((i, j), (a, b)), ((a, b), (i, j))):
                    name = f"{u[0]}.{u[1]}to{v[0]}.{v[1]}"
                    ends = f'from="{u[0]}.{u[1]}" to="{v[0]}.{v[1]}"'
                    edges.append(f'<edge id="{name}" {ends} {rest}/>')
    (folder / "town.nod.xml").write_text("<nodes>\n" + "\n".join(nodes) + "\n</nodes>\n")
    (folder / "town.edg.xml").write_text("<edges>\n" + "\n".join(edges) + "\n</edges>\n")


class Town:
    """Where homes, work places and shops of the demand are."""

    def __init__(self, net_file: Path, rng: random.Random) -> None:
        import sumolib

        net = sumolib.net.readNet(str(net_file))
        self.rng = rng
        self.edges = {e.getID(): e for e in net.getEdges() if e.getLength() > 25}
        middle = {k: self._middle(e) for k, e in self.edges.items()}
        x1, y1 = max(x for x, _ in middle.values()), max(y for _, y in middle.values())
        size = math.sqrt(x1 * y1)
        quiet = [k for k, e in self.edges.items() if e.getType() == "highway.residential"]
        centres = [(x1 * rng.uniform(0.4, 0.6), y1 * rng.uniform(0.4, 0.6))]
        centres += [(x1 * rng.uniform(0.15, 0.85), y1 * rng.uniform(0.15, 0.85)) for _ in range(3)]

        def near_centres(key: str, radius: float) -> float:
            x, y = middle[key]
            return sum(
                math.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (radius * size) ** 2) for cx, cy in centres
            )

        self.homes = (quiet, [0.3 + rng.random() for _ in quiet])
        every = list(self.edges)
        jobs = [0.05 + near_centres(k, 0.1) for k in every]
        self.jobs = [self.spot(k) for k in rng.choices(every, jobs, k=max(20, len(every) // 25))]
        self.shops = [self.spot(k) for k in rng.choices(every, jobs, k=max(12, len(every) // 60))]
        # Ways out: where main roads meet the border.
        rim = BLOCK_M * 0.8
        self.out: list[str] = []
        self.into: list[str] = []
        for key, e in self.edges.items():
            if e.getType() == "highway.residential":
                continue
            for node, found in ((e.getToNode(), self.out), (e.getFromNode(), self.into)):
                x, y = node.getCoord()
                mx, my = middle[key]
                end_m, middle_m = min(x, y, x1 - x, y1 - y), min(mx, my, x1 - mx, y1 - my)
                if end_m < min(rim, middle_m):
                    found.append(key)
        self.out.sort()
        pairs = [(f"{k.split('to')[1]}to{k.split('to')[0]}", k) for k in self.out]
        self.gates = [(i, o) for i, o in pairs if i in self.into]

    @staticmethod
    def _middle(edge: Any) -> tuple[float, float]:
        (ax, ay), (bx, by) = edge.getFromNode().getCoord(), edge.getToNode().getCoord()
        return (ax + bx) / 2, (ay + by) / 2

    def spot(self, key: str) -> Spot:
        return key, round(self.rng.uniform(8.0, self.edges[key].getLength() - 8.0), 1)

    def home(self) -> Spot:
        return self.spot(self.rng.choices(*self.homes)[0])

    def xy(self, spot: Spot) -> tuple[float, float]:
        edge = self.edges[spot[0]]
        from sumolib.geomhelper import positionAtShapeOffset

        x, y = positionAtShapeOffset(edge.getShape(), spot[1] / edge.getLength() * _length(edge.getShape()))
        return x, y


def _length(shape: Any) -> float:
    return sum(math.dist(a[:2], b[:2]) for a, b in itertools.pairwise(shape))


class Tours:
    """The trips of all drivers and days, as they are thought of."""

    def __init__(self) -> None:
        self.trips: list[tuple[float, str, Spot | None, Spot | None, int]] = []
        self.name, self.k = "", 0

    def start(self, name: str) -> None:
        self.name, self.k = name, 0

    def go(self, at: float, a: Spot | None, b: Spot | None, way: int) -> None:
        """Drive; from one place outside to another nothing is seen of it here."""
        if a is not None or b is not None:
            self.trips.append((at, f"{self.name}_{self.k}", a, b, way))
            self.k += 1


def write_demand(folder: Path, town: Town, drivers: int, days: int, rng: random.Random) -> None:
    """Write the trips of all days, and where drivers live and work (empty: no work place)."""
    tours = Tours()
    with (folder / "homes.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["vehicle", "home_x", "home_y", "work_x", "work_y"])
        for n in range(drivers):
            name, gate = f"car{n}", rng.randrange(len(town.gates))
            inside = rng.random() < 0.85
            home = town.home() if inside else None
            works = rng.random() < (0.6 if inside else 0.9)
            away = inside and rng.random() < 0.25
            work = rng.choice(town.jobs) if works and not away else None
            places = (town.xy(home) if home else ("outside",) * 2) + (
                town.xy(work) if work else ("outside",) * 2 if works else ("",) * 2
            )
            table.writerow([name, *places])
            work_gate = rng.randrange(len(town.gates))
            start_h, shift_h = rng.gauss(7.9, 0.8), rng.gauss(8.3, 0.6)
            if rng.random() < 0.08:
                start_h += 7.0
            favourites = [rng.choice(town.shops) for _ in range(3)] + [town.home() for _ in range(2)]
            for day in range(days):
                weekday = day % 7 < 5
                clock = day * DAY_S
                tours.start(f"{name}_{day}")
                go = tours.go
                if works and weekday and rng.random() < 0.93:
                    at = clock + 3600 * (start_h + rng.gauss(0, 0.2))
                    go(at, home, work, work_gate if inside else gate)
                    at += 3600 * (shift_h + rng.gauss(0, 0.4))
                    if inside and rng.random() < 0.3:
                        shop = rng.choice(favourites)
                        go(at, work, shop, work_gate)
                        at += 3600 * rng.uniform(0.3, 1.0)
                        go(at, shop, home, gate)
                    else:
                        go(at, work, home, work_gate if inside else gate)
                    free = at + 3600 * rng.uniform(1.0, 2.0)
                else:
                    free = clock + 3600 * rng.uniform(9.0, 12.0)
                for _ in range(rng.choices((0, 1, 2), (0.35, 0.45, 0.2))[0] if inside else 0):
                    if free > clock + 3600 * 21.5:
                        break
                    far = rng.random() < 0.25
                    stop = None if far else rng.choice(favourites) if rng.random() < 0.7 else town.home()
                    way = rng.randrange(len(town.gates))
                    go(free, home, stop, way)
                    free += 3600 * rng.uniform(0.5, 2.0)
                    go(free, stop, home, way)
                    free += 3600 * rng.uniform(0.7, 2.0)
    tours.trips.sort(key=lambda t: t[0])
    with (folder / "town.trips.xml").open("w") as file:
        file.write("<routes>\n")
        for at, name, a, b, way in tours.trips:
            into, out = town.gates[way]
            start = f'from="{a[0]}" departPos="{a[1]}"' if a else f'from="{into}"'
            end = f'to="{b[0]}" arrivalPos="{b[1]}"' if b else f'to="{out}"'
            file.write(f'<trip id="{name}" depart="{at:.0f}" {start} {end}/>\n')
        file.write("</routes>\n")


def make_town(out: Path, *, side: int, drivers: int, days: int, seed: int) -> None:
    """Make the three files in ``out``.

    Raises
    ------
    TrafficError
        If SUMO is not installed, or a town would be too small to hold main roads, or empty.
    """
    if side < _LEAST_SIDE or drivers < 1 or days < 1:
        raise TrafficError(
            f"side = {side}, drivers = {drivers}, days = {days}: a town has at least {_LEAST_SIDE} junctions "
            "a side, and somebody who drives on some day."
        )
    _tool("sumo")  # or say so before anything is made
    rng = random.Random(seed)
    out.mkdir(parents=True, exist_ok=True)

    def run(tool: str, *arguments: str) -> None:
        subprocess.run([_tool(tool), *arguments], check=True, cwd=work, stdout=subprocess.DEVNULL)

    with tempfile.TemporaryDirectory() as made:
        work = Path(made)
        write_streets(work, side, rng)
        run("netconvert", "-n", "town.nod.xml", "-e", "town.edg.xml", "-o", "town.net.xml",
            "--keep-edges.components", "1", "--offset.disable-normalization", "true")  # fmt: skip
        write_demand(work, Town(work / "town.net.xml", rng), drivers, days, rng)
        run("duarouter", "-n", "town.net.xml", "-t", "town.trips.xml", "-o", "town.rou.xml",
            "--ignore-errors", "--no-step-log",
            "--weights.random-factor", "1.5", "--seed", str(seed), "--no-warnings")  # fmt: skip
        run("sumo", "-n", "town.net.xml", "-r", "town.rou.xml", "--mesosim", "--seed", str(seed),
            "--vehroute-output", "routes.xml", "--vehroute-output.exit-times",
            "--no-warnings", "--no-step-log")  # fmt: skip
        for name in ("town.net.xml", "routes.xml"):
            with (
                (work / name).open("rb") as plain,
                gzip.GzipFile(out / f"{name}.gz", "wb", mtime=0) as packed,
            ):
                shutil.copyfileobj(plain, packed)
        shutil.copy(work / "homes.csv", out / "homes.csv")


def main(arguments: list[str] | None = None) -> int:
    """Make a town."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    for name, value in (("side", 14), ("drivers", 120), ("days", 14), ("seed", 1)):
        parser.add_argument(f"--{name}", type=int, default=value)
    given = parser.parse_args(arguments)
    try:
        make_town(given.out, side=given.side, drivers=given.drivers, days=given.days, seed=given.seed)
    except PlatetrailError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
