"""From map ways to a street plan: cut at junctions, joined where nothing meets, no parallel streets."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from simulator.roads.assemble import SPEED_MPS, StreetPlan
from simulator.roads.osm_read import LonLat, Way

Project = Callable[
    [NDArray[np.float64], NDArray[np.float64]], tuple[NDArray[np.float64], NDArray[np.float64]]
]


@dataclass(kw_only=True)
class Piece:
    """A street between two nodes, with the points between them; ``direction`` as in :class:`Way`."""

    a: int
    b: int
    bends: list[LonLat]
    road_class: int
    direction: int
    speed_mps: float
    name: str

    def turned(self) -> Piece:
        """The same street written from its other end."""
        return Piece(
            a=self.b,
            b=self.a,
            bends=self.bends[::-1],
            road_class=self.road_class,
            direction=-self.direction,
            speed_mps=self.speed_mps,
            name=self.name,
        )


def street_pieces(ways: Sequence[Way]) -> tuple[list[Piece], dict[int, LonLat]]:
    """Cut ways where they meet, and join pieces at nodes where only two of them meet and traffic passes on.

    Returns
    -------
    pieces
        Streets from junction to junction (or dead end).
    places
        Longitude and latitude of each node that a piece ends at.
    """
    default = _usual_speeds(ways)
    uses: dict[int, int] = defaultdict(int)
    for way in ways:
        for node in way.nodes:
            uses[node] += 1
        uses[way.nodes[0]] += 1
        uses[way.nodes[-1]] += 1
    pieces: list[Piece] = []
    places: dict[int, LonLat] = {}
    for way in ways:
        cuts = [i for i, node in enumerate(way.nodes) if uses[node] > 1]
        for i, j in pairwise(cuts):
            pieces.append(
                Piece(
                    a=way.nodes[i],
                    b=way.nodes[j],
                    bends=way.places[i + 1 : j],
                    road_class=int(way.road_class),
                    direction=way.direction,
                    speed_mps=way.speed_mps or default[way.highway],
                    name=way.name,
                )
            )
            places[way.nodes[i]], places[way.nodes[j]] = way.places[i], way.places[j]
    return _joined(pieces, places), places


def without_parallels(pieces: Iterable[Piece], places: dict[int, LonLat]) -> list[Piece]:
    """Give loops and second streets between the same junctions nodes of their own, at their bends.

    Without this, crescents and turning loops, and the homes on them, would be lost: a network has at most
    one edge from one node to another. New nodes get negative ids and are added to ``places``.
    """
    fresh = min(0, *places) if places else 0
    seen: dict[tuple[int, int], int] = {}
    result = []
    for piece in sorted(pieces, key=lambda p: (p.road_class, len(p.bends))):
        pair = (min(piece.a, piece.b), max(piece.a, piece.b))
        # Two opposite one-way streets do not clash.
        wanted = {0: 3, 1: 1, -1: 2}[piece.direction if piece.a == pair[0] else -piece.direction]
        parts = 3 if piece.a == piece.b else 1 if not seen.get(pair, 0) & wanted else 2
        if parts == 1:
            seen[pair] = seen.get(pair, 0) | wanted
        if len(piece.bends) < parts - 1:
            continue
        cuts = [round((k + 1) * (len(piece.bends) + 1) / parts) - 1 for k in range(parts - 1)]
        start, at = piece.a, 0
        for cut in [*cuts, len(piece.bends)]:
            end = piece.b
            if cut < len(piece.bends):
                fresh -= 1
                end = fresh
                places[end] = piece.bends[cut]
            result.append(
                Piece(
                    a=start,
                    b=end,
                    bends=piece.bends[at:cut],
                    road_class=piece.road_class,
                    direction=piece.direction,
                    speed_mps=piece.speed_mps,
                    name=piece.name,
                )
            )
            start, at = end, cut + 1
    return result


def plan_streets(pieces: Sequence[Piece], places: dict[int, LonLat], project: Project) -> StreetPlan:
    """Project pieces to metres and number nodes and streets: one id a name, unnamed pieces their own."""
    nodes = sorted({p.a for p in pieces} | {p.b for p in pieces})
    number = {node: i for i, node in enumerate(nodes)}
    lonlat = np.array([places[node] for node in nodes], dtype=np.float64).reshape(-1, 2)
    bends = np.array([point for p in pieces for point in p.bends], dtype=np.float64).reshape(-1, 2)
    x_m, y_m = project(lonlat[:, 0], lonlat[:, 1])
    bend_x_m, bend_y_m = project(bends[:, 0], bends[:, 1])
    names = {name: i for i, name in enumerate(sorted({p.name for p in pieces if p.name}))}
    street = [names[p.name] if p.name else len(names) + i for i, p in enumerate(pieces)]
    return StreetPlan(
        x_m=x_m,
        y_m=y_m,
        a=np.array([number[p.a] for p in pieces], dtype=np.int64),
        b=np.array([number[p.b] for p in pieces], dtype=np.int64),
        road_class=np.array([p.road_class for p in pieces], dtype=np.int64),
        street=np.array(street, dtype=np.int64),
        direction=np.array([p.direction for p in pieces], dtype=np.int64),
        speed_mps=np.array([p.speed_mps for p in pieces], dtype=np.float64),
        bend_indptr=np.concatenate([[0], np.cumsum([len(p.bends) for p in pieces])]).astype(np.int64),
        bend_x_m=bend_x_m,
        bend_y_m=bend_y_m,
    )


def _usual_speeds(ways: Sequence[Way]) -> dict[str, float]:
    """The mean tagged limit of each ``highway`` value in this map, or the class's usual speed."""
    tagged: dict[str, list[float]] = defaultdict(list)
    for way in ways:
        if way.speed_mps:
            tagged[way.highway].append(way.speed_mps)
    return {
        way.highway: float(np.mean(tagged[way.highway]))
        if way.highway in tagged
        else SPEED_MPS[way.road_class]
        for way in ways
    }


def _joined(pieces: list[Piece], places: dict[int, LonLat]) -> list[Piece]:
    """Chains of pieces made one, as far as nothing else meets them."""
    at_node: dict[int, list[int]] = defaultdict(list)
    for i, piece in enumerate(pieces):
        at_node[piece.a].append(i)
        at_node[piece.b].append(i)

    def passes(node: int) -> bool:
        if len(at_node[node]) != 2:
            return False
        i, j = at_node[node]
        if i == j:
            return False
        into = pieces[i] if pieces[i].b == node else pieces[i].turned()
        onward = pieces[j] if pieces[j].a == node else pieces[j].turned()
        return into.direction == onward.direction

    through = {node for node in at_node if passes(node)}
    done = [False] * len(pieces)
    result = []
    # Chains start at a real junction; what is left then are rings that touch nothing, kept from any node.
    starts = sorted(i for i, p in enumerate(pieces) if p.a not in through or p.b not in through)
    for first in [*starts, *range(len(pieces))]:
        if done[first]:
            continue
        done[first] = True
        piece = pieces[first] if pieces[first].a not in through else pieces[first].turned()
        chain, end = [piece], piece.b
        while end in through and end != piece.a:
            i, j = at_node[end]
            nxt = j if done[i] else i
            if done[nxt]:
                break
            done[nxt] = True
            step = pieces[nxt] if pieces[nxt].a == end else pieces[nxt].turned()
            chain.append(step)
            end = step.b
        result.append(_merged(chain, places))
    return result


def _merged(chain: list[Piece], places: dict[int, LonLat]) -> Piece:
    if len(chain) == 1:
        return chain[0]
    bends = list(chain[0].bends)
    for piece in chain[1:]:
        bends += [places[piece.a], *piece.bends]
    # The longest part names the street; the speed is that of driving through all parts.
    length = [_rough_length(piece, places) for piece in chain]
    main = chain[int(np.argmax(length))]
    return Piece(
        a=chain[0].a,
        b=chain[-1].b,
        bends=bends,
        road_class=main.road_class,
        direction=main.direction,
        speed_mps=sum(length) / sum(m / p.speed_mps for m, p in zip(length, chain, strict=True)),
        name=main.name,
    )


def _rough_length(piece: Piece, places: dict[int, LonLat]) -> float:
    points = np.array([places[piece.a], *piece.bends, places[piece.b]])
    step = np.diff(points, axis=0) * [np.cos(np.radians(points[0, 1])), 1.0]
    return float(np.hypot(step[:, 0], step[:, 1]).sum()) + 1e-12
