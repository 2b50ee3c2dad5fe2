"""The parts of a scenario: streets, people, travel, readers, attackers.

Values that no source fixes are *free parameters*: their descriptions say so and give the range that the
sources allow, and that range is enforced.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Literal, Self, TypeVar

from pydantic import Field, model_validator

from simulator.spec import Share, Spec

_Weights = TypeVar("_Weights", bound=Spec)


def _not_all_zero(weights: _Weights) -> _Weights:
    if not any(weights.model_dump().values()):
        raise ValueError("all weights are 0; give at least one that is larger")
    return weights


class Streets(Spec):
    """Where the simulation takes place."""

    kind: Literal["grid", "ring-radial", "organic", "map"] = Field(
        "grid", description="Plan of a generated city, or 'map' for real streets."
    )
    nodes: int = Field(
        600, ge=50, le=200_000, description="Junctions wanted in a generated city; met within a tenth."
    )
    area_km2: float = Field(6.0, gt=0.05, le=20_000, description="Area of a generated city.")
    map: Path | None = Field(
        None, description="Street map (.osm, .osm.gz, .osm.pbf, .graphml) of kind 'map'."
    )

    @model_validator(mode="after")
    def _map_needs_a_file(self) -> Self:
        if self.map is not None and self.kind != "map":
            raise ValueError(f"'map' is given but kind is '{self.kind}'; set kind = \"map\" or drop 'map'")
        return self


class TrafficFiles(Spec):
    """Traffic that another simulator made, driven in place of this one's; the map is its network."""

    routes: tuple[Path, ...] = Field(
        description="SUMO's vehicle routes with exit times (.xml, .xml.gz).", min_length=1
    )
    vehicle_id: str = Field(
        "(?P<vehicle>.+)",
        description="Regular expression that a whole id fits, with a group 'vehicle' and perhaps one 'day'.",
    )
    homes: Path | None = Field(
        None, description="CSV of homes and work places; without one, the longest stays tell them."
    )


class Schedules(Spec):
    """Shares of residents by working schedule; relative weights, normalised to 1."""

    day: float = Field(0.40, ge=0, description="Works by day, away from home.")
    hybrid: float = Field(
        0.09, ge=0, description="Works from home on some days; free, about 14% of workers (M)."
    )
    evening: float = Field(
        0.035, ge=0, description="Evening shift; shift work is about 16% of workers (M, free)."
    )
    night: float = Field(0.023, ge=0, description="Night shift (free).")
    rotating: float = Field(
        0.03, ge=0, description="Day, evening and night shifts in turn, by the week (free)."
    )
    driving: float = Field(0.03, ge=0, description="Drives for a living: several calls a working day (free).")
    none: float = Field(0.53, ge=0, description="Has no work place.")

    @model_validator(mode="after")
    def _some_weight(self) -> Self:
        return _not_all_zero(self)


class HomeParking(Spec):
    """Where residents' cars stand at home; relative weights. Street parking 10-40% is free (M)."""

    street: float = Field(0.30, ge=0, description="In the street, where a passing car can read it.")
    driveway: float = Field(
        0.45, ge=0, description="In a driveway, seen from the street or not (driveway_visible_share)."
    )
    garage: float = Field(0.25, ge=0, description="Out of sight.")

    @model_validator(mode="after")
    def _some_weight(self) -> Self:
        return _not_all_zero(self)


class People(Spec):
    """Who drives."""

    drivers: int = Field(500, ge=1, le=5_000_000, description="Drivers to simulate, of all kinds.")
    vehicles_represented: int | None = Field(
        None, ge=1, description="Vehicles of the real city that the drivers stand for (default: themselves)."
    )
    in_commuter_share: Share = Field(
        0.12, description="Drivers who live beyond a gateway and work here (free)."
    )
    visitor_share: Share = Field(0.08, description="Drivers who come now and then or pass through (free).")
    out_commuter_share: Share = Field(
        0.5, description="Resident workers whose work place lies beyond a gateway (free)."
    )
    two_vehicle_household_share: Share = Field(0.38, description="Residents who share their address (S).")
    address_spacing_m: float = Field(
        20.0, ge=4, le=500, description="Distance between doors on a residential side."
    )
    workplaces: int = Field(150, ge=1, le=20_000, description="Work places on the map.")
    shops: int = Field(60, ge=1, le=20_000, description="Shops and other errands.")
    leisure_places: int = Field(80, ge=1, le=20_000, description="Leisure, friends and relatives.")
    schools: int = Field(12, ge=1, le=5_000, description="Schools that children are driven to.")
    worship_places: int = Field(10, ge=1, le=5_000, description="Places of worship.")
    clinics: int = Field(6, ge=1, le=5_000, description="Clinics and doctors.")
    external_places: int = Field(
        80, ge=1, le=5_000, description="Homes, work and other places beyond gateways."
    )
    external_median_km: float = Field(
        21.5, ge=1, le=200, description="Median distance of external places beyond their gateway (free)."
    )
    external_speed_kmh: float = Field(
        57.0, ge=10, le=130, description="Mean speed beyond the gateways, stops included (free)."
    )
    commute_scale_km: float = Field(
        9.0,
        ge=0.2,
        le=200,
        description="Scale of the exponential gravity model for work places inside the map (free).",
    )
    errand_scale_km: float = Field(
        2.0, ge=0.1, le=200, description="The same for shops and other places (free)."
    )
    schedules: Schedules = Schedules()
    home_parking: HomeParking = HomeParking()
    driveway_visible_share: Share = Field(
        0.5, description="Chance that a car in a driveway can be read from the street (free)."
    )
    work_lot_share: Share = Field(
        0.6, description="Work places whose cars stand in a lot, not on the street (free)."
    )

    @model_validator(mode="after")
    def _somebody_lives_here(self) -> Self:
        if self.in_commuter_share + self.visitor_share > 1:
            raise ValueError("in_commuter_share and visitor_share add up to more than 1")
        return self


class Travel(Spec):
    """How people move. Trip counts, purposes and start times follow the American Driving Survey 2023."""

    trips_factor: float = Field(
        1.0, ge=0.2, le=3.0, description="Multiplies the number of tours that are not for work."
    )
    external_errand_share: Share = Field(
        0.52,
        description="Tours for errands, leisure and visits whose main stop lies beyond a gateway (free).",
    )
    route_variants: int = Field(
        4, ge=1, le=16, description="Perceived versions of travel times that habits follow."
    )
    perception_sigma: float = Field(
        0.55,
        ge=0,
        le=2,
        description="Typical log standard deviation of perceived edge times; variants lie around it (free).",
    )
    habit_share: Share = Field(
        0.34,
        description="Mean share of trips on the habitual route, for drivers with more than one route (free).",
    )
    single_route_share: Share = Field(
        0.42, description="Drivers who keep to one variant; about 1/3 then use one route (Lima et al. 2016)."
    )
    navigation_share: Share = Field(
        0.26, description="Trips other than commutes that follow a navigation aid (free)."
    )
    aid_habit_share: Share = Field(0.12, description="Habitual routes that are the navigation aid's (free).")
    peak_slowdown: float = Field(
        1.35, ge=1, le=4, description="Peak travel time over free flow on main roads (free)."
    )
    exploration_rho: float = Field(0.6, ge=0, le=1, description="Song et al. 2010: P_new = rho * S^-gamma.")
    exploration_gamma: float = Field(0.21, ge=0, le=2, description="The exponent of the same.")


class Walking(Spec):
    """People on foot: those who have no car, and drivers between car and door. Seen by face readers only."""

    car_free: int = Field(
        0,
        ge=0,
        le=5_000_000,
        description="People without a car, beside the drivers; they walk or take trains.",
    )
    speed_mps: float = Field(
        1.35, ge=0.5, le=2.5, description="Mean walking speed; 1.33-1.58 in a field study (S, free)."
    )
    scale_km: float = Field(
        0.4,
        ge=0.05,
        le=20,
        description="Scale of the exponential gravity model for places that are walked to (free).",
    )
    stations: int = Field(
        4, ge=1, le=1_000, description="Railway stations; trips beyond the map begin there."
    )
    train_commuter_share: Share = Field(
        0.5, description="Workers without a car who take the train to a work place beyond the map (free)."
    )
    train_tour_share: Share = Field(
        0.15, description="Other tours of people without a car that go by train beyond the map (free)."
    )
    station_wait_s: float = Field(
        300.0, ge=0, le=3600, description="Time between entering a station and leaving by train (free)."
    )
    parking_m: float = Field(
        40.0,
        ge=0,
        le=1000,
        description="Mean distance between a car and the door its driver goes to, where it stands in the "
        "street or a lot (free).",
    )


class ReaderGroup(Spec):
    """What every group of readers has."""

    name: str = Field("", description="Name of the group, unique; kind and number if left out.")
    owner: str = Field("city", min_length=1, description="Who owns the sightings.")
    night_penalty: float = Field(
        0.05, ge=0, le=0.5, description="Read rate lost at night; 0.02-0.10 (M, free)."
    )
    downtime_share: Share = Field(0.02, description="Reader-days without any read (free).")


class PlateReaders(ReaderGroup):
    """What every group of readers of plates has."""

    misread_rate: float = Field(
        0.05, ge=0, le=0.5, description="Reads with a wrong plate; 0.03-0.10 (M, free)."
    )


class FixedReaders(PlateReaders):
    """Readers at a point of a street."""

    kind: Literal["fixed"]
    count: int = Field(0, ge=0, le=100_000, description="Readers; 0 takes all of a file.")
    placement: Literal["volume", "cordon", "arterial", "random", "district", "file"] = Field(
        "volume",
        description="By traffic volume, at gateways, along arterials, anywhere, in a district, from a file.",
    )
    file: Path | None = Field(
        None, description="GeoJSON or OSM file with reader positions, for placement 'file'."
    )
    both_directions_share: Share = Field(0.5, description="Readers that read both directions (free).")
    read_rate: Share = Field(0.93, description="Passing plates read by day; 0.90-0.98 (M, free).")
    min_spacing_m: float = Field(150.0, ge=0, le=10_000, description="Smallest distance between two readers.")
    volume_exponent: float = Field(
        0.5, ge=0, le=4, description="Placement weight is traffic volume to this power."
    )
    district_x: Share = Field(
        0.5, description="Centre of the chosen district, as a share of the map's width."
    )
    district_y: Share = Field(0.5, description="The same for its height.")
    district_radius_km: float = Field(1.0, gt=0, le=500, description="Radius of the district.")

    @model_validator(mode="after")
    def _file_goes_with_placement(self) -> Self:
        if (self.placement == "file") != (self.file is not None):
            raise ValueError("placement = \"file\" and 'file' go together: give both or neither")
        return self


class _MobileReaders(PlateReaders):
    count: int = Field(1, ge=0, le=10_000, description="Cars.")
    gps_error_m: float = Field(6.0, ge=0, le=500, description="Standard deviation of a sighting's position.")
    read_rate: Share = Field(0.7, description="Oncoming moving cars read by day (free).")
    parked_read_rate: Share = Field(0.35, description="Visible parked cars read in passing by day (free).")
    shift_start_h: float = Field(8.0, ge=0, lt=24, description="Hour at which the first shift starts.")
    shift_hours: float = Field(8.0, gt=0, le=24, description="Length of a shift.")
    drive_share: float = Field(
        0.4, gt=0, le=1, description="Share of the shift spent driving with the reader on (free)."
    )
    speed_kmh: float = Field(28.0, gt=1, le=130, description="Mean speed while driving.")


class PatrolReaders(_MobileReaders):
    """Police cars: a beat each, main roads and hot spots first; shifts rotate over the cars."""

    kind: Literal["patrol"]


class SpotterReaders(_MobileReaders):
    """Repossession and parking cars: sweep lots and residential streets, at night too."""

    kind: Literal["spotter"]
    night_share: Share = Field(0.5, description="Cars that work at night instead (free).")


class LotReaders(PlateReaders):
    """Entry and exit readers of car parks at places."""

    kind: Literal["lot"]
    count: int = Field(1, ge=0, le=20_000, description="Car parks with readers.")
    place_kind: Literal["work", "shop", "leisure", "school", "worship", "clinic"] = Field(
        "work", description="Whose car parks."
    )
    read_rate: Share = Field(0.97, description="Entries and exits read (free).")


class FaceReaders(ReaderGroup):
    """Cameras with face recognition: they see people on foot, from both sides, and no plates.

    A search compares a face with all entries of a gallery in which everybody is enrolled, and yields one
    person at most: the right one with `hit_rate`; else, with chance 1 - (1 - f)^G, another.
    """

    kind: Literal["face"]
    count: int = Field(1, ge=0, le=100_000, description="Readers.")
    placement: Literal["street", "station", "entrance"] = Field(
        "street",
        description="At a point of a street, at the entrance of a station, or at the door of a place.",
    )
    along: Literal["amenity", "residential", "any"] = Field(
        "amenity", description="Which streets, for placement 'street': by shops, by homes, or all alike."
    )
    place_kind: Literal["work", "shop", "leisure", "school", "worship", "clinic"] = Field(
        "shop", description="Whose doors, for placement 'entrance'."
    )
    hit_rate: Share = Field(
        0.89, description="Passing people recognised by day; 0.89 in a police trial as reported (S, free)."
    )
    false_match_rate: float = Field(
        1.7e-8,
        ge=0,
        le=0.01,
        description="Chance f that a face matches one wrong entry; 1 in 6,000 faces at 10,000 entries (S).",
    )
    gallery: int | None = Field(
        None, ge=1, description="Entries G of the gallery; all people the scenario stands for if left out."
    )
    night_penalty: float = Field(0.2, ge=0, le=1, description="Hit rate lost at night (free).")
    min_spacing_m: float = Field(40.0, ge=0, le=10_000, description="Smallest distance, placement 'street'.")

    def false_match_chance(self, population: int) -> float:
        """Return the chance that a face matches any wrong entry: 1 - (1 - f)^G.

        Parameters
        ----------
        population
            Entries of the gallery if the group does not say.
        """
        return -math.expm1((self.gallery or population) * math.log1p(-self.false_match_rate))


READER_KINDS = ("fixed", "patrol", "spotter", "lot", "face")
Readers = Annotated[
    FixedReaders | PatrolReaders | SpotterReaders | LotReaders | FaceReaders, Field(discriminator="kind")
]


class Beliefs(Spec):
    """What adversaries with a map believe and is not so, to see what their errors cost; none if left out."""

    time_error: float = Field(
        0.0,
        ge=-0.5,
        le=0.5,
        description="Main roads are believed faster by this share, and other streets slower.",
    )
    read_rate_error: float = Field(0.0, ge=-0.5, le=0.5, description="Believed less true read rate.")
    unknown_reader_share: Share = Field(0.0, description="Fixed readers whose place is not known.")
    perception_sigma: float | None = Field(
        None, ge=0, le=2, description="Believed spread of drivers' route choice (travel.perception_sigma)."
    )
    habit_share: float | None = Field(
        None, ge=0, le=1, description="Believed share of trips on habitual routes (travel.habit_share)."
    )


class Attackers(Spec):
    """Who attacks, and when they look."""

    names: tuple[str, ...] = Field((), description="Attackers by name; all that need no extra if empty.")
    checkpoint_days: tuple[int, ...] = Field(
        (), description="Days after which guesses are made; a standard ladder up to the last day if empty."
    )
    believes: Beliefs = Beliefs()


class Event(Spec):
    """Something that people drive to on one day: a rally, a festival, a funeral.

    Who goes gives up the day's other tours but work; nobody else's day, and no other day, changes.
    """

    name: str = Field("", description="Name of the event, unique; event and number if left out.")
    day: int = Field(ge=1, description="Day of the event; days count from 1.")
    start_h: float = Field(14.0, ge=0, lt=24, description="Hour at which it starts.")
    hours: float = Field(2.0, gt=0, le=12, description="How long people stay, within a tenth.")
    place_kind: Literal["work", "shop", "leisure", "school", "worship", "clinic"] = Field(
        "leisure", description="What kind of place it is held at."
    )
    x: Share = Field(
        0.5, description="Held at the place of that kind nearest to this share of the map's width."
    )
    y: Share = Field(0.5, description="The same for its height.")
    attendance_share: Share = Field(
        0.05, description="Drivers, visitors aside, who come unless they are at work then (free)."
    )
