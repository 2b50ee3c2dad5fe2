"""The page's charts as plotly figures; what changes with a switch is filled in by the page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from experiments.report.town import STANDING
from simulator.roads.network import RoadClass

#: Widths of streets by class, pixels.
_STREETS = {
    RoadClass.RESIDENTIAL: 0.8,
    RoadClass.LINK: 0.9,
    RoadClass.TERTIARY: 1.2,
    RoadClass.SECONDARY: 1.6,
    RoadClass.PRIMARY: 2.2,
    RoadClass.TRUNK: 2.6,
    RoadClass.MOTORWAY: 3.0,
}
_READER_SYMBOLS = {"fixed": "triangle-up", "lot": "square", "face": "diamond"}
_LINES: dict[str, Any] = {"mode": "lines", "hoverinfo": "skip"}
_HIDDEN: dict[str, Any] = {"visible": False, "showgrid": False, "zeroline": False}
_PATH_MARGIN = {"l": 54, "r": 12, "t": 22, "b": 40}
#: Widths of streets by step of belief, pixels.
BELIEF_WIDTHS = (2.0, 2.8, 3.8, 5.0, 6.5, 9.0)

#: Colours by theme. Belief runs from pale to strong in one hue order that survives colour blindness: its
#: lightness alone tells the steps apart (ColorBrewer YlOrBr, C. Brewer). Others are Okabe & Ito's.
THEMES: dict[str, dict[str, Any]] = {
    "light": {
        "street": "#c4c8cc",
        "water": "#cfe6f5",
        "round": "#9aa0a6",
        "reader": "#3f454b",
        "read": "#0072B2",
        "truth": "#006d52",
        "guess": "#000000",
        "belief": ["#fee391", "#fec44f", "#fe9929", "#ec7014", "#b8450a", "#6e2504"],
        "ink": "#1b1f23",
        "grid": "#e1e4e8",
        "now": "#1b1f23",
    },
    "dark": {
        "street": "#454c55",
        "water": "#1c3a4d",
        "round": "#6d7680",
        "reader": "#c6ccd2",
        "read": "#56B4E9",
        "truth": "#31d6a4",
        "guess": "#ffffff",
        "belief": ["#5c3a12", "#8a4f0f", "#bd6a12", "#e98f2a", "#fdc05e", "#fff0b8"],
        "ink": "#e6e9ec",
        "grid": "#353b42",
        "now": "#e6e9ec",
    },
}


def _layout(**more: Any) -> dict[str, Any]:
    return {
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": "system-ui, sans-serif", "size": 14},
        "margin": {"l": 8, "r": 8, "t": 8, "b": 8},
        "showlegend": False,
        "hovermode": "closest",
        **more,
    }


def charts_of(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return the figures of a run's page by name, as plotly's JSON."""
    return {
        "base": base_figure(content),
        "map": map_figure(content),
        "path": path_figure(content),
        "cursor": cursor_figure(int(content["last_day"])),
        "curves": curves_figure(int(content["last_day"])),
        "levers": levers_figure(),
    }


def study_charts(last_day: int) -> dict[str, Any]:
    """Return the figures of a study's page by name."""
    return {"curves": curves_figure(last_day), "levers": levers_figure()}


def base_figure(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return what lies below: water, and streets by class. It is drawn once, and stays as days go by."""
    import plotly.graph_objects as go

    figure = go.Figure(layout=_layout(dragmode=False))
    water = content["town"]["water"]
    figure.add_scatter(x=water["x"], y=water["y"], line_width=9, meta={"role": "water"}, **_LINES)
    for road_class, width in _STREETS.items():
        figure.add_scatter(
            line_width=width, meta={"role": "street", "class": int(road_class)}, x=[], y=[], **_LINES
        )
    return _on_map(figure, content)


def map_figure(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return what lies above: patrols, belief by step, readers, reads, guess and truth.

    Each trace says in ``meta.role`` what the page is to fill it with.
    """
    import plotly.graph_objects as go

    figure = go.Figure(layout=_layout(dragmode="pan"))
    # Sets of streets are shapes: one path each is drawn anew in a fraction of the time of a trace with gaps.
    shape = {"type": "path", "path": "M0,0", "layer": "below", "xref": "x", "yref": "y"}
    figure.add_shape(name="round", line={"width": 1.3, "dash": "dot"}, **shape)
    for step, width in enumerate(BELIEF_WIDTHS):
        figure.add_shape(name=f"belief-{step}", line={"width": width}, **shape)
    areas = content["areas"]
    if areas["kind"] == "cells":
        half = areas["side"] / 2
        figure.add_heatmap(
            z=[],
            x0=areas["west"] + half,
            y0=areas["south"] + half,
            dx=areas["side"],
            dy=areas["side"],
            zmin=-0.5,
            zmax=len(BELIEF_WIDTHS) - 0.5,
            opacity=0.8,
            showscale=False,
            hoverinfo="skip",
            meta={"role": "cells"},
        )
    for kind, where in content["town"]["readers"].items():
        figure.add_scatter(
            x=where["x"],
            y=where["y"],
            mode="markers",
            marker={"symbol": _READER_SYMBOLS[kind], "size": 9},
            text=[f"{STANDING[kind]}, {owner}" for owner in where["owner"]],
            hovertemplate="%{text}<extra></extra>",
            meta={"role": "reader"},
        )
    figure.add_scatter(x=[], y=[], line_width=2, meta={"role": "circle"}, **_LINES)
    for role, size, symbol in (
        ("read", 10, "circle"),
        ("read-moving", 9, "circle-open"),
        ("guess", 14, "x"),
        ("truth", 18, "star"),
    ):
        figure.add_scatter(
            x=[],
            y=[],
            mode="markers",
            marker={"size": size, "symbol": symbol},
            hovertemplate="%{text}<extra></extra>",
            text=[],
            meta={"role": role},
        )
    return _on_map(figure, content)


def _on_map(figure: Any, content: Mapping[str, Any]) -> dict[str, Any]:
    west, south, east, north = content["town"]["bounds"]
    pad = 0.03 * max(east - west, north - south)
    figure.update_xaxes(range=[west - pad, east + pad], **_HIDDEN)
    figure.update_yaxes(range=[south - pad, north + pad], scaleanchor="x", **_HIDDEN)
    return _plain(figure)


def path_figure(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return three strips over days: claimed certainty, true distance, areas that are left."""
    from plotly.subplots import make_subplots

    last_day = int(content["last_day"])
    left = "streets left to search" if content["areas"]["kind"] == "streets" else "cells left to search"
    figure = make_subplots(rows=3, cols=1, shared_xaxes=True, vertical_spacing=0.1)
    figure.update_layout(_layout(margin=_PATH_MARGIN))
    strips = (
        ("claimed", "certainty it claims", {"range": [0, 1.04], "tickformat": ".0%", "nticks": 4}),
        ("error", "true distance of its guess (m)", {"rangemode": "tozero", "nticks": 4}),
        ("left", left, {"rangemode": "tozero", "nticks": 4}),
    )
    for row, (role, words, axis) in enumerate(strips, start=1):
        figure.add_scatter(
            x=[], y=[], mode="lines", line={"width": 2.5, "shape": "hv"}, meta={"role": role},
            hovertemplate=f"day %{{x}}: %{{y}}<extra>{words}</extra>", row=row, col=1,
        )  # fmt: skip
        figure.update_yaxes(row=row, col=1, **axis)
        figure.add_annotation(
            text=words, x=0, xref="paper", xanchor="left", showarrow=False, yanchor="bottom",
            y=1.0, yref=f"y{row if row > 1 else ''} domain", font_size=13,
        )  # fmt: skip
    figure.update_xaxes(range=[0.5, last_day + 0.5], zeroline=False)
    figure.update_xaxes(row=3, col=1, title={"text": "days of collecting", "standoff": 6})
    return _plain(figure)


def cursor_figure(last_day: int) -> dict[str, Any]:
    """Return the line that marks the day, over :func:`path_figure`: alone, it moves without delay."""
    import plotly.graph_objects as go

    figure = go.Figure(layout=_layout(margin=_PATH_MARGIN, dragmode=False))
    figure.update_xaxes(range=[0.5, last_day + 0.5], **_HIDDEN)
    figure.update_yaxes(range=[0, 1], **_HIDDEN)
    figure.add_shape(type="line", x0=1, x1=1, y0=0, y1=1, xref="x", yref="paper", line_width=2)
    return _plain(figure)


def curves_figure(last_day: int) -> dict[str, Any]:
    """Return the axes that curves of places known by day are drawn into."""
    import plotly.graph_objects as go

    figure = go.Figure(
        layout=_layout(
            margin={"l": 52, "r": 12, "t": 12, "b": 48},
            showlegend=True,
            legend={
                "orientation": "h",
                "y": -0.1,
                "yanchor": "top",
                "x": 0,
                "font": {"size": 13},
            },
        )
    )
    figure.update_xaxes(tickprefix="day ", range=[0, last_day * 1.02], zeroline=False)
    figure.update_yaxes(range=[0, 1.02], tickformat=".0%", zeroline=False)
    return _plain(figure)


def levers_figure() -> dict[str, Any]:
    """Return the axes that cases are compared on: a row a case, with 95% intervals."""
    import plotly.graph_objects as go

    figure = go.Figure(
        layout=_layout(
            margin={"l": 8, "r": 16, "t": 8, "b": 40},
            showlegend=True,
            legend={"orientation": "h", "y": 1.02, "x": 0, "yanchor": "bottom", "font": {"size": 13}},
        )
    )
    figure.update_xaxes(range=[-0.02, 1.02], tickformat=".0%", zeroline=False)
    figure.update_yaxes(automargin=True, autorange="reversed", type="category")
    return _plain(figure)


def _plain(figure: Any) -> dict[str, Any]:
    """Return a figure as plain data, without plotly's default template: the page has a theme of its own."""
    figure.layout.template = None
    plain: dict[str, Any] = figure.to_plotly_json()
    return {"data": list(plain["data"]), "layout": dict(plain["layout"])}
