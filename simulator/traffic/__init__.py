"""Traffic that other simulators made, as a source of movement in place of this one's own."""
