"""What is expected of each scenario of the catalogue, from sources and from the scenario's own words.

Bands of published figures are those of the calibration page. Where no source fixes a figure, the band says
what the description promises, and its source says so.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Band:
    """A range and where it comes from."""

    low: float
    high: float
    source: str


NORFOLK = "Norfolk: 176 readers on 138 km² are 1.28; a tenth either way for rounding"
V5 = Band(low=2_250, high=11_000, source="V5: 4,500-5,500 reads a fixed reader and day, factor 2")
V6 = {
    "patrol": Band(low=1_060, high=2_385, source="V6: about 1,590 reads a car and day, factor 1.5"),
    "spotter": Band(low=5_333, high=12_000, source="V6: about 8,000 reads a car and day, factor 1.5"),
}
# The accepted band of V9 is ±5% for thousands of drivers; the sampling error of few is added in the test.
TRIPS = Band(low=2.31, high=2.55, source="V9: 2.43 trips a driver-day, ±5%")
TRIPS_OTHER = Band(low=1.8, high=3.1, source="V9 ± a quarter: people unlike those of the survey")


@dataclass(frozen=True, kw_only=True)
class Expected:
    """What one scenario should be like; days are those of the cut-down run.

    Parameters
    ----------
    readers
        Readers by kind and owner.
    per_km2
        Fixed readers for each square kilometre of the full scenario.
    per_main_km
        Fixed readers for each kilometre of main road.
    seen
        Owners whose sightings whoever looks can see; None: all.
    kept_days
        Retention by owner, "" for all others; an owner who is not named keeps for ever.
    last_day
        Last day with reads.
    ban_m, zone_m
        Nothing is stored so near to a sensitive place, to the own home.
    label_days
        Period of pseudonyms.
    look_back_days
        How far back the agency may search.
    keep_share
        Share of reads stored.
    listed_share
        Share of plates stored.
    """

    readers: dict[tuple[str, str], int]
    per_km2: Band | None = None
    per_main_km: Band | None = None
    trips: Band = TRIPS
    seen: frozenset[str] | None = None
    kept_days: dict[str, float] = field(default_factory=dict)
    last_day: int | None = None
    ban_m: float | None = None
    zone_m: float | None = None
    label_days: int | None = None
    look_back_days: float | None = None
    keep_share: float = 1.0
    listed_share: float = 1.0


_CITY = {("fixed", "city-police"): 52, ("patrol", "city-police"): 2}
_DENSE_AS_NORFOLK = Band(low=1.15, high=1.41, source=NORFOLK)
_SIX = {
    ("fixed", "city-police"): 24,
    ("fixed", "north-town-police"): 8,
    ("fixed", "east-town-police"): 8,
    ("fixed", "county-sheriff"): 12,
    ("fixed", "state-police"): 8,
    ("spotter", "data-broker"): 1,
}
# Nothing is published by length of road: streets made alike should have about as many.
_ALONG_NORFOLK = Band(low=0.67, high=1.5, source="described: about one for each km of main road")


def _city(**rules: Any) -> Expected:
    return Expected(readers=_CITY, per_km2=_DENSE_AS_NORFOLK, per_main_km=_ALONG_NORFOLK, **rules)


def _six(**rules: Any) -> Expected:
    return Expected(readers=_SIX, per_km2=Band(low=1.3, high=1.7, source="60 readers on 40 km²"), **rules)


EXPECTED: dict[str, Expected] = {
    "first-town": Expected(
        readers={("fixed", "town-police"): 24, ("patrol", "town-police"): 1},
        per_km2=Band(low=3.6, high=4.4, source="a reader about every 500 m: 4 for each km², ±10%"),
    ),
    "small-town": Expected(
        readers={("fixed", "county-sheriff"): 4, ("fixed", "town-police"): 4},
        per_km2=Band(low=1.4, high=1.8, source="8 readers on 5 km²"),
        kept_days={"": 30},
    ),
    "dense-core": Expected(
        readers={
            ("fixed", "city-police"): 70,
            ("patrol", "city-police"): 1,
            ("spotter", "data-broker"): 1,
        },
        per_km2=Band(low=5.2, high=6.4, source="70 readers on 12 km²"),
    ),
    "sprawl": Expected(
        readers={("fixed", "county-sheriff"): 60, ("patrol", "county-sheriff"): 1},
        per_km2=Band(low=0.27, high=0.33, source="one reader for each 3.3 km²"),
        per_main_km=Band(low=0.33, high=0.5, source="described: one for each two to three km of main road"),
    ),
    "norfolk-density": Expected(
        readers={("fixed", "city-police"): 176}, per_km2=_DENSE_AS_NORFOLK, per_main_km=_ALONG_NORFOLK
    ),
    "real-streets": Expected(readers={("fixed", "city-police"): 60, ("patrol", "city-police"): 2}),
    "patrols-only": Expected(readers={("patrol", "city-police"): 12}),
    "spotter-cars": Expected(readers={("spotter", "data-broker"): 4}),
    "parking-operators": Expected(
        readers={("lot", "parking-company"): 120, ("lot", "hospital-parking"): 5},
        seen=frozenset({"parking-company", "hospital-parking"}),
    ),
    "faces-at-the-station": Expected(
        readers={("fixed", "city-police"): 45, ("face", "city-police"): 91},
        per_km2=Band(low=3.5, high=4.0, source="45 readers of plates on 12 km²"),
    ),
    "ring-of-steel": Expected(
        readers={("fixed", "city-police"): 40},
        per_km2=Band(low=1.8, high=2.2, source="40 readers on 20 km²"),
    ),
    "kept-for-ever": _city(),
    "retention-3-minutes": _city(kept_days={"": 3 / 1440}),
    "retention-7-days": _city(kept_days={"": 7}),
    "retention-30-days": _city(kept_days={"": 30}),
    "federal-look-back": Expected(
        readers={("spotter", "data-broker"): 1}, seen=frozenset({"data-broker"}), look_back_days=20
    ),
    "sharing-local": _six(seen=frozenset({"city-police"})),
    "sharing-regional": _six(
        seen=frozenset({"city-police", "north-town-police", "east-town-police", "county-sheriff"})
    ),
    "sharing-national": _six(
        seen=frozenset(
            {"city-police", "north-town-police", "east-town-police", "county-sheriff", "state-police"}
        )
    ),
    "commercial-archive": _six(
        seen=frozenset(
            {"city-police", "north-town-police", "east-town-police", "county-sheriff", "data-broker"}
        ),
        kept_days={
            "city-police": 30,
            "north-town-police": 30,
            "east-town-police": 30,
            "county-sheriff": 30,
            "state-police": 30,
        },
    ),
    "unlawful-sharing": _six(seen=frozenset({"county-sheriff"}), kept_days={"": 21}),
    "hot-list-only": _city(listed_share=0.1),
    "moratorium": _city(kept_days={"": 30}, last_day=30),
    "sensitive-place-ban": _city(kept_days={"": 21}, ban_m=150),
    "privacy-zones": _city(zone_m=500),
    "pseudonyms-daily": _city(label_days=1),
    "blurred-archive": _city(keep_share=0.5),
    "night-workers": _city(trips=TRIPS_OTHER),
    "rally": Expected(
        readers={**_CITY, ("fixed", "city-police"): 60},
        per_km2=Band(low=1.35, high=1.65, source="60 readers on 40 km²"),
    ),
}
