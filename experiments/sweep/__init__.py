"""Studies: many runs of one scenario on common random numbers, resumable, with one tidy table at the end."""
