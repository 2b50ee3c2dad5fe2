"""The validated scenario: what a simulation is, apart from its seed.

A scenario is a TOML file; this module turns it into frozen, keyword-only objects whose names carry units.
Values that no source fixes are *free parameters*: their descriptions say so and give the range that the
sources allow, and that range is enforced.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar, get_args

from pydantic import BaseModel, Field, ValidationError, model_validator

from simulator.archive_rules import RULE_KINDS
from simulator.archive_rules import Archive as Archive
from simulator.errors import ScenarioError, did_you_mean
from simulator.spec import Citation as Citation
from simulator.spec import Share, Spec

Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
WEEKDAYS: tuple[str, ...] = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
CHECKPOINT_DAYS = (1, 2, 3, 5, 7, 10, 14, 21, 30, 45, 60, 90, 120, 180, 270, 365, 540, 730, 1095, 1825)


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


class _Readers(Spec):
    name: str = Field("", description="Name of the group, unique; kind and number if left out.")
    owner: str = Field("city", min_length=1, description="Who owns the sightings.")
    misread_rate: float = Field(
        0.05, ge=0, le=0.5, description="Reads with a wrong plate; 0.03-0.10 (M, free)."
    )
    night_penalty: float = Field(
        0.05, ge=0, le=0.5, description="Read rate lost at night; 0.02-0.10 (M, free)."
    )
    downtime_share: Share = Field(0.02, description="Reader-days without any read (free).")


class FixedReaders(_Readers):
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


class _MobileReaders(_Readers):
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


class LotReaders(_Readers):
    """Entry and exit readers of car parks at places."""

    kind: Literal["lot"]
    count: int = Field(1, ge=0, le=20_000, description="Car parks with readers.")
    place_kind: Literal["work", "shop", "leisure", "school", "worship", "clinic"] = Field(
        "work", description="Whose car parks."
    )
    read_rate: Share = Field(0.97, description="Entries and exits read (free).")


_READER_KINDS = ("fixed", "patrol", "spotter", "lot")
_KINDS = frozenset((*_READER_KINDS, *RULE_KINDS))
Readers = Annotated[FixedReaders | PatrolReaders | SpotterReaders | LotReaders, Field(discriminator="kind")]


class Attackers(Spec):
    """Who attacks, and when they look."""

    names: tuple[str, ...] = Field((), description="Attackers by name; all that need no extra if empty.")
    checkpoint_days: tuple[int, ...] = Field(
        (), description="Days after which guesses are made; a standard ladder up to the last day if empty."
    )


class Scenario(Spec):
    """Everything that defines a simulation apart from its seed."""

    id: str = Field(
        pattern=r"^[a-z0-9][a-z0-9-]*$", description="Name; lower-case letters, digits and hyphens."
    )
    title: str = Field(description="Title for people.")
    question: str = Field("", description="The question that this scenario answers.")
    description: str = Field("", description="What is simulated and why, in a few paragraphs.")
    calibrate: tuple[str, ...] = Field(
        (), description="Ids of published figures that apply to this scenario."
    )
    citations: tuple[Citation, ...] = ()
    days: int = Field(30, ge=1, le=3650, description="Days simulated.")
    start_weekday: Weekday = Field("monday", description="Weekday of the first day.")
    streets: Streets = Streets()
    people: People = People()
    travel: Travel = Travel()
    readers: tuple[Readers, ...] = ()
    archive: Archive = Archive()
    attackers: Attackers = Attackers()

    @model_validator(mode="before")
    @classmethod
    def _name_reader_groups(cls, data: Any) -> Any:
        groups = data.get("readers") if isinstance(data, Mapping) else None
        if not isinstance(groups, (list, tuple)):
            return data
        named = []
        for i, group in enumerate(groups):
            if isinstance(group, Mapping) and not group.get("name"):
                group = {**group, "name": f"{group.get('kind', 'group')}-{i + 1}"}
            elif isinstance(group, _Readers) and not group.name:
                group = group.model_copy(update={"name": f"{getattr(group, 'kind', 'group')}-{i + 1}"})
            named.append(group)
        return {**data, "readers": named}

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        names = [group.name for group in self.readers]
        twice = sorted({n for n in names if names.count(n) > 1})
        if twice:
            raise ValueError(f"reader group name '{twice[0]}' is used twice; names must be unique")
        days = self.attackers.checkpoint_days
        if any(b <= a for a, b in pairwise(days)) or any(d < 1 for d in days):
            raise ValueError("attackers.checkpoint_days must ascend and start at 1 or later")
        self.archive.check_owners(frozenset(group.owner for group in self.readers))
        return self

    def checkpoints(self) -> tuple[int, ...]:
        """Return the checkpoint days within the simulated span, the last day included."""
        ladder = self.attackers.checkpoint_days or CHECKPOINT_DAYS
        return tuple(d for d in ladder if d < self.days) + (self.days,)


def scenario_from_dict(data: Mapping[str, Any], *, where: str = "scenario") -> Scenario:
    """Validate a mapping.

    Raises
    ------
    ScenarioError
        Naming each faulty key, what is allowed, and the nearest right name for a misspelt one.
    """
    try:
        return Scenario.model_validate(dict(data))
    except ValidationError as error:
        lines = [_explain(dict(item), data) for item in error.errors(include_url=False)]
        raise ScenarioError(
            f"{where} cannot be used:\n" + "\n".join(f"  - {line}" for line in lines)
        ) from None


def load_scenario(path: Path) -> Scenario:
    """Read and validate a TOML file; a relative map or reader file is taken from the file's folder."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ScenarioError(f"There is no scenario file {path}.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ScenarioError(f"{path} cannot be read: {error}.") from None
    except tomllib.TOMLDecodeError as error:
        raise ScenarioError(f"{path} is not valid TOML: {error}.") from None
    return scenario_from_dict(_anchor_paths(data, path.parent), where=str(path))


def with_overrides(scenario: Scenario, overrides: Mapping[str, Any]) -> Scenario:
    """Return a copy with dotted fields replaced, e.g. ``{"people.drivers": 2000, "readers.0.count": 40}``.

    Raises
    ------
    ScenarioError
        If a path does not exist (the nearest names are listed) or a value is not allowed.
    """
    data = scenario.model_dump(mode="json")
    for path, value in overrides.items():
        _set_path(data, path, value)
    return scenario_from_dict(data, where="the scenario with its overrides")


def parse_override(text: str) -> tuple[str, Any]:
    """Split ``part.field=value``; the value is read as TOML, or as plain text where it is none."""
    path, sign, value = text.partition("=")
    if not sign or not path.strip():
        raise ScenarioError(f"'{text}' is not of the form part.field=value, such as people.drivers=2000.")
    try:
        return path.strip(), tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return path.strip(), value.strip()


def _anchor_paths(data: dict[str, Any], folder: Path) -> dict[str, Any]:
    parts = [data.get("streets"), *(data.get("readers") or [])]
    for part in parts:
        for key in ("map", "file"):
            if isinstance(part, dict) and isinstance(part.get(key), str):
                part[key] = str(folder / part[key])
    return data


def _set_path(data: Any, path: str, value: Any) -> None:
    steps = path.split(".")
    at = data
    for depth, step in enumerate(steps, start=1):
        choices: list[str]
        if isinstance(at, list):
            choices = [str(i) for i in range(len(at))] + [
                str(g.get("name")) for g in at if isinstance(g, dict)
            ]
            by_name = [i for i, g in enumerate(at) if isinstance(g, dict) and g.get("name") == step]
            key: Any = by_name[0] if by_name else (int(step) if step.isdigit() else None)
            known = key is not None and key < len(at)
        elif isinstance(at, dict):
            choices, key = list(at), step
            known = step in at
        else:
            raise ScenarioError(f"'{path}' goes too deep: '{step}' is not part of a section.")
        if not known:
            raise ScenarioError(
                f"'{path}' names nothing in the scenario: '{step}' is unknown. {did_you_mean(step, choices)}"
            )
        if depth == len(steps):
            at[key] = value
            return
        at = at[key]


def _explain(item: dict[str, Any], data: Mapping[str, Any]) -> str:
    # The tags of unions are no part of the file; after a list's number they are kinds, not keys.
    path = item["loc"]
    loc = [p for i, p in enumerate(path) if not (i and isinstance(path[i - 1], int) and p in _KINDS)]
    place = ".".join(str(p) for p in loc) or "scenario"
    match item["type"]:
        case "extra_forbidden":
            return f"unknown key '{place}'. {did_you_mean(str(loc[-1]), _known_keys(loc[:-1], data))}"
        case "missing":
            return f"'{place}' is missing."
        case "union_tag_invalid" | "union_tag_not_found":
            rule = "rules" in loc
            given = item["ctx"].get("tag")
            near = f" {did_you_mean(given, RULE_KINDS)}" if rule and given else ""
            kinds = ", ".join(RULE_KINDS if rule else _READER_KINDS)
            return f"'{place}.kind' must be one of {kinds}.{near}"
        case "value_error":
            said = str(item["ctx"]["error"])
            return f"{place}: {said}" + ("" if said.endswith((".", "?")) else ".")
        case _:
            shown = item.get("input")
            return f"'{place}' = {shown!r}: {item['msg'][0].lower()}{item['msg'][1:]}."


def _known_keys(loc: list[Any], data: Mapping[str, Any]) -> list[str]:
    """Return the keys that the part of a scenario at a location may have."""
    spec: Any = Scenario
    at: Any = data
    for step in loc:
        at = at[step]
        if isinstance(step, int):
            # One of a list: reader groups by their kind, other lists hold one type of part.
            options = [o for o in _models(spec) if _kind_of(o) in (None, at.get("kind"))]
            spec = options[0] if options else FixedReaders
        else:
            spec = spec.model_fields[step].annotation
    return list(getattr(spec, "model_fields", {}))


def _models(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in get_args(annotation) for model in _models(part)]


def _kind_of(model: type[BaseModel]) -> Any:
    """Return the reader kind that a model is for, None for other models."""
    kind = model.model_fields.get("kind")
    return get_args(kind.annotation)[0] if kind is not None else None
