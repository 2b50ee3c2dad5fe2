"""The page: one self-contained HTML file that explains a run, or a study, in any browser."""
