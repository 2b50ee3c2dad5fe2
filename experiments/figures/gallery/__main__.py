"""Draw the whole gallery, and write the page that shows it: ``python -m experiments.figures.gallery DIR``."""

from __future__ import annotations

import inspect
import sys
from importlib import import_module
from pathlib import Path

import matplotlib

from experiments.figures import gallery, save_figure
from simulator.manifest import write_text_whole

_HEAD = """# Gallery

Each standard figure by a script of some twenty lines, to be copied and changed. `example_run` in them is:

```python
{example}
```

Any run will do in its place: `pt.open_run("runs/first")`. `house_style("print")` and
`house_style("projection")` change size and letters ([figures for a paper or a lecture
hall](../how-to/figures.md)), a name that ends in `.pdf` or `.svg` the format.
`python -m experiments.figures.gallery.NAME out.png` runs one script as it stands.
"""


def section(name: str) -> str:
    """Return what the page says of one script: title, words, picture, code."""
    module = import_module(f"{gallery.__name__}.{name}")
    title, _, words = (module.__doc__ or "").partition("\n")
    code = inspect.getsource(module).split('"""', 2)[2].strip()
    return "\n".join(
        ["", f"## {title.rstrip('.')}", "", words.strip(), "", f"![{title}]({name}.png)", "",
         f"`{module.__name__}`:", "", "```python", code, "```", ""]
    )  # fmt: skip


def main(folder: Path, names: list[str] | None = None) -> None:
    """Draw all figures into a folder, with their page ``index.md``."""
    matplotlib.use("Agg")
    names = names or gallery.scripts()
    for name in names:
        save_figure(import_module(f"{gallery.__name__}.{name}").draw(), folder / f"{name}.png")
    head = _HEAD.format(example=inspect.getsource(gallery.example_run.__wrapped__).strip())
    write_text_whole(folder / "index.md", head + "".join(map(section, names)))


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "gallery"), sys.argv[2:] or None)
