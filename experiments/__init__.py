"""The user's side: command line, figures, tables, studies and benchmarks."""
