"""One capture for many archives: read plates once, then look at what each archive keeps of them.

Rules of the archive and attackers come after the readers: they change no street, no driver, no trip and no
read. Scenarios that differ only there (:func:`same_reads`) share one capture, and the tables that
:meth:`SharedCapture.look` gives are those of :func:`simulator.run.simulate`, to the bit.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from simulator.adversary.knowledge import Manner
from simulator.chunks import AttackSetting, MobileBlocks, attack, attack_setting, capture, view_of
from simulator.errors import ScenarioError, TableError
from simulator.privacy.scoring import Scored
from simulator.scenario import Scenario
from simulator.scenario_parts import Beliefs
from simulator.sightings.capture import Sightings
from simulator.sightings.view import DAY_S
from simulator.streaming import GRAIN, driver_chunks, gathered, sightings_frame
from simulator.tables import SCHEMAS, conform
from simulator.training import MadeUpTown, learns, make_town, manner_of, training_of
from simulator.world import Progress, World

#: Parts of a scenario that come after the readers, and those that are only words.
AFTER_READING = frozenset({"archive", "attackers"})
_WORDS = frozenset({"id", "topic", "title", "question", "description", "calibrate", "citations"})
# The Bayesian adversary's tables take some hundred megabytes a town.
_KEPT_SETTINGS = 2


def reading_key(scenario: Scenario) -> str:
    """Return a text that two scenarios share if, with one seed, all their reads are the same."""
    dumped = scenario.model_dump(mode="json", exclude=set(AFTER_READING | _WORDS))
    return hashlib.blake2b(json.dumps(dumped, sort_keys=True).encode(), digest_size=12).hexdigest()


def same_reads(a: Scenario, b: Scenario) -> bool:
    """Return whether two scenarios differ, if at all, only in what comes after the readers."""
    return reading_key(a) == reading_key(b)


@dataclass(frozen=True, kw_only=True, eq=False)
class SharedCapture:
    """All reads of a world by chunks of drivers, strays handed over, on disk or in memory.

    Parameters
    ----------
    world
        Of any of the scenarios that share the reads.
    chunks
        Drivers ``(first, last + 1)`` of each chunk.
    parts
        Each chunk's reads as a Parquet file, or the bytes of one.
    """

    world: World
    chunks: tuple[tuple[int, int], ...]
    parts: tuple[Path | bytes, ...]
    _settings: OrderedDict[bytes, AttackSetting] = field(default_factory=OrderedDict)
    # By what adversaries believe.
    _towns: dict[tuple[Beliefs, Manner | None], MadeUpTown] = field(default_factory=dict)
    # What was seen last, and what was made of it.
    _looked: dict[bytes, Scored] = field(default_factory=dict)

    def __reduce__(self) -> tuple[Any, ...]:
        # What was made for looking is made again where it is needed: it is larger than the reads.
        return _unpacked, (self.world, self.chunks, self.parts)

    def reads(self) -> Iterator[tuple[int, int, Sightings]]:
        """Yield the drivers and the reads of each chunk, sorted by plate, time and reader.

        Raises
        ------
        TableError
            If a file of the capture is missing or torn.
        """
        for (first, last), part in zip(self.chunks, self.parts, strict=True):
            try:
                frame = pl.read_parquet(io.BytesIO(part) if isinstance(part, bytes) else part)
            except (pl.exceptions.PolarsError, OSError) as error:
                raise TableError(f"{part!s} is missing or torn ({error}); delete its folder.") from None
            yield first, last, Sightings(**{name: frame[name].to_numpy() for name in frame.columns})

    def in_memory(self) -> SharedCapture:
        """Return the same capture with its files' bytes, to be sent to another machine."""
        parts = (part if isinstance(part, bytes) else part.read_bytes() for part in self.parts)
        # Whoever looks needs no routes, which are the biggest part of a world.
        world = replace(self.world, trees=None)  # type: ignore[arg-type]
        return SharedCapture(world=world, chunks=self.chunks, parts=tuple(parts))

    def world_of(self, scenario: Scenario) -> World:
        """Return the world under the archive and the attackers of another scenario.

        Raises
        ------
        ScenarioError
            If the readers of that scenario would read something else.
        """
        if not same_reads(scenario, self.world.scenario):
            raise ScenarioError(
                f"Scenario '{scenario.id}' differs from the one that was captured in more than its archive "
                "and attackers; it needs a capture of its own."
            )
        return replace(self.world, scenario=scenario)

    def look(self, scenario: Scenario, progress: Progress = lambda stage, done: None) -> Scored:
        """Let the attackers of a scenario loose on what its archive keeps of the reads.

        Parameters
        ----------
        scenario
            Any that shares the reads.
        progress
            Called with "attack" and the part of it that is done.

        Returns
        -------
        Scored
            All tables of all drivers, but no ``example_beliefs``, and nothing about pairs of places.
        """
        world, setting = self.world_of(scenario), self.setting_of(scenario)
        key = self._key(world, setting)
        if key in self._looked:
            return self._looked[key]
        parts: dict[str, list[pl.DataFrame]] = {name: [] for name in GRAIN}
        for i, (first, last, sightings) in enumerate(self.reads()):
            progress("attack", i / len(self.chunks))
            scored = attack(world, setting, sightings, first, last, pairs=False)
            for name, frames in parts.items():
                frames.append(getattr(scored, name))
        nobody = conform("example_beliefs", pl.DataFrame(schema=SCHEMAS["example_beliefs"].columns))
        scored = Scored(
            **{name: gathered(name, frames) for name, frames in parts.items()}, example_beliefs=nobody
        )
        self._looked.clear()
        self._looked[key] = scored
        return scored

    def setting_of(self, scenario: Scenario) -> AttackSetting:
        """Return the attackers of a scenario with what they know and have learned; kept, as it takes time.

        Raises
        ------
        ScenarioError
            If the readers of that scenario would read something else.
        """
        world = self.world_of(scenario)
        setting = attack_setting(world)
        readers = setting.knowledge.readers
        assert readers is not None
        # Attackers keep what they make of their knowledge with the object: the same facts, the same object.
        believes = world.scenario.attackers.believes
        known = readers.read_rate.tobytes() + repr(believes).encode()
        kept = self._settings.get(known)
        if kept is None:
            kept = self._settings[known] = setting
        self._settings.move_to_end(known)
        while len(self._settings) > _KEPT_SETTINGS:
            self._settings.popitem(last=False)
        setting = replace(setting, knowledge=kept.knowledge)
        if learns(setting):
            manner = manner_of(setting, world)
            if (believes, manner) not in self._towns:
                self._towns.clear()  # one at a time is kept
                self._towns[believes, manner] = make_town(world, manner=manner)
            training = training_of(self._towns[believes, manner], world.scenario)
            setting = replace(setting, knowledge=replace(setting.knowledge, training=training, manner=manner))
        return setting

    def _key(self, world: World, setting: AttackSetting) -> bytes:
        """Return a hash of all that attackers will see.

        When a sighting is deleted matters only if that is before the last checkpoint: rules that delete
        nothing until then are one and the same.
        """
        readers = setting.knowledge.readers
        assert readers is not None
        told = repr((setting.names, world.scenario.attackers.believes)).encode()
        digest = hashlib.blake2b(told + readers.read_rate.tobytes(), digest_size=16)
        last_s = world.scenario.checkpoints()[-1] * DAY_S
        for first, last, sightings in self.reads():
            view = view_of(world, sightings, first, last)
            digest.update(view.checkpoint_days.tobytes())
            for values in (view.indptr, view.time_s, view.camera_id, view.x_m, view.y_m):
                digest.update(values.tobytes())
            digest.update(np.minimum(view.expires_s, last_s + 1).tobytes())
        return digest.digest()


def _unpacked(
    world: World, chunks: tuple[tuple[int, int], ...], parts: tuple[Path | bytes, ...]
) -> SharedCapture:
    return SharedCapture(world=world, chunks=chunks, parts=parts)


def take_capture(
    world: World,
    folder: Path,
    *,
    chunk_drivers: int | None = None,
    progress: Progress = lambda stage, done: None,
) -> SharedCapture:
    """Read the plates of all drivers and keep the reads in a folder, which appears when it is complete.

    Parameters
    ----------
    world
        What to capture.
    folder
        Where to; replaced if it exists.
    chunk_drivers
        Drivers a chunk, chosen by memory if left out.
    progress
        Called with "drive" and the part of it that is done.

    Raises
    ------
    TableError
        If the folder cannot be written.
    """
    chunks = tuple(driver_chunks(world.scenario, chunk_drivers, 1))
    partial = folder.with_name(f".{folder.name}.{os.getpid()}.partial")
    try:
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        blocks, strays, files = MobileBlocks(world), [], _parts(partial, chunks)
        for i, (first, last) in enumerate(chunks):
            progress("drive", i / len(chunks))
            captured = capture(world, first, last, blocks)
            sightings_frame(captured.own).write_parquet(files[i], compression="lz4")
            strays.append(captured.strays)
        found = Sightings.concatenate(strays)
        unsorted = SharedCapture(world=world, chunks=chunks, parts=files)
        for i, (first, last, own) in enumerate(unsorted.reads()):
            mine = found.take((found.plate >= first) & (found.plate < last))
            if mine.n_sightings:
                both = Sightings.concatenate([own, mine]).sorted()
                sightings_frame(both).write_parquet(files[i], compression="lz4")
        shutil.rmtree(folder, ignore_errors=True)
        os.replace(partial, folder)
    except OSError as error:
        # Whoever has put the same reads there meanwhile has put the same bits.
        if not folder.is_dir():
            raise TableError(f"The reads could not be kept in {folder}: {error}.") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return SharedCapture(world=world, chunks=chunks, parts=_parts(folder, chunks))


def open_capture(world: World, folder: Path) -> SharedCapture | None:
    """Return a capture that :func:`take_capture` has finished; ``None`` if there is none."""
    parts = tuple(sorted(folder.glob("reads-*.parquet")))
    if not parts:
        return None
    bounds = (part.stem.split("-")[1:] for part in parts)
    return SharedCapture(world=world, chunks=tuple((int(a), int(b)) for a, b in bounds), parts=parts)


def _parts(folder: Path, chunks: tuple[tuple[int, int], ...]) -> tuple[Path, ...]:
    return tuple(folder / f"reads-{first:08d}-{last:08d}.parquet" for first, last in chunks)
