"""Settings of the documentation site; ``make site`` builds it into build/site."""

from __future__ import annotations

from importlib.metadata import version as installed_version

project = "platetrail"
author = "The platetrail developers"
version = release = installed_version("platetrail")

extensions = ["myst_parser", "numpydoc", "sphinx.ext.autodoc", "sphinx.ext.autosummary"]
exclude_patterns = ["_build"]
suppress_warnings = ["myst.header"]  # findings begin at the second level below their table

myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3
myst_links_external_new_tab = False

# A class written in C says that it belongs to whoever imports it; what matplotlib adds is not ours.
autodoc_default_options = {"members": True, "exclude-members": "cKDTree, ShownFigure"}
autodoc_member_order = "bysource"
autodoc_typehints = "none"  # numpydoc shows parameters; types stand in the signatures
autodoc_preserve_defaults = True
autosummary_generate = False
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False

html_theme = "furo"
html_title = "platetrail"
html_show_sphinx = False
html_copy_source = False
html_show_sourcelink = False
# Nothing is fetched from elsewhere: no web fonts, no scripts of other sites.
html_theme_options = {"navigation_with_keys": True}
pygments_style = "friendly"
