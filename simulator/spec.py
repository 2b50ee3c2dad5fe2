"""What all parts of a scenario have in common: frozen, no unknown keys, no infinite numbers."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Share = Annotated[float, Field(ge=0.0, le=1.0)]


class Spec(BaseModel):
    """Base of all parts: frozen, no unknown keys, no infinite numbers."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Citation(Spec):
    """A source and the reason it is cited."""

    source: str = Field(description="The source, as one would cite it.")
    reason: str = Field(description="What it is cited for.")
    part: Literal["", "streets", "people", "travel", "events", "readers", "archive"] = Field(
        "", description="The section that it is cited for, if it is one; see Extending another scenario."
    )
