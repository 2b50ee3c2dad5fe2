"""The catalogue of standard scenarios: one TOML file each, with its citations and their reasons."""

from __future__ import annotations

from scenarios.lookup import resolve, scenario_named, scenario_names, scenarios_by_topic

#: ``scenarios.load("first-town")``: what a notebook calls it.
load = resolve

__all__ = ["load", "resolve", "scenario_named", "scenario_names", "scenarios_by_topic"]
