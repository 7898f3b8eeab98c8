"""d3viz and d3write: a graph as one page for a browser, or as a file for Graphviz.

The page is `page.html` with `page.css`, the scripts and the data put in: one file that needs nothing else and asks the
network for nothing. What it is told of the graph is in `page_data.py`.
"""

from __future__ import annotations

import html
import json
import os
import re
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from theano.d3viz.formatting import PyDotFormatter
from theano.d3viz.page_data import page_data
from theano.graph.diagram import drawable

SCRIPTS = ("arrange.js", "draw.js", "page.js")


def d3viz(fct: Any, outfile: str | os.PathLike[str], copy_deps: bool = True, *args: Any, **kwargs: Any) -> None:
    """Write an interactive picture of a graph: one HTML file, to be opened in any browser, also without a network.

    fct         a compiled function (its optimised graph, with times if it was profiled), a FunctionGraph, a variable,
                a node or a list of variables
    outfile     path of the file; its folder must exist
    copy_deps   accepted: there is nothing to copy beside the file
    compact     True; False: every computed variable is a box of its own

    Graphs inside ops (OpFromGraph, scan) are unfolded by a click. Raises TypeError if `fct` has no graph,
    FileNotFoundError if there is no such folder.

    >>> import pathlib, tempfile, theano, theano.tensor as tt
    >>> x = tt.dvector("x")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "graph.html")
    ...     d3viz(theano.function([x], tt.exp(x).sum()), path)
    ...     print(path.read_text(encoding="utf-8")[:15])
    <!DOCTYPE html>
    """
    path = _checked(outfile, "d3viz")
    formatter = PyDotFormatter(*args, **kwargs)
    graph = drawable(fct, "d3viz")
    data = page_data(graph, (lambda variable: False) if formatter.compact else formatter.own_box())
    path.write_text(page(data), encoding="utf-8", newline="\n")


def d3write(fct: Any, path: str | os.PathLike[str], *args: Any, **kwargs: Any) -> None:
    """Write a graph in Graphviz's language into the file `path`; neither pydot nor Graphviz is needed.

    Further arguments are those of `formatting.PyDotFormatter`. Raises as `d3viz` does.
    """
    place = _checked(path, "d3write")
    text = PyDotFormatter(*args, **kwargs).dot(drawable(fct, "d3write")).text()
    place.write_text(text, encoding="utf-8", errors="backslashreplace", newline="\n")


def page(data: Mapping[str, Any]) -> str:
    """The page for what `page_data` says."""
    parts = {
        "{{title}}": html.escape(str(data["title"])).encode("utf-8", "replace").decode(),
        "{{style}}": _part("page.css"),
        "{{data}}": safe_json(data),
        "{{script}}": "\n".join(_part(name) for name in SCRIPTS),
    }
    return replace_patterns(_part("page.html"), {re.escape(mark): text for mark, text in parts.items()})


def _part(name: str) -> str:
    return resources.files("theano.d3viz").joinpath(name).read_text(encoding="utf-8")


def _checked(outfile: Any, who: str) -> Path:
    try:
        path = Path(outfile)
    except TypeError:
        raise TypeError(f"{who}: outfile must be the path of a file, got {outfile!r}") from None
    if not path.parent.is_dir():
        raise FileNotFoundError(
            f"{who} cannot write {str(path)!r}: the folder {str(path.parent)!r} does not exist. Create it first."
        )
    if path.is_dir():
        raise IsADirectoryError(f"{who} cannot write {str(path)!r}: it is a folder. Give the path of a file in it.")
    return path


# -- texts ------------------------------------------------------------------------------------------------------------


def replace_patterns(x: str, replace: Mapping[str, str]) -> str:
    """`x` with every match of a regular expression, a key of `replace`, replaced by its value, taken as it is.

    All are replaced in one go: a replacement is not searched again.

    >>> replace_patterns("a1 b22", {"[0-9]+": "b", "b": "c"})
    'ab cb'
    """
    if not replace:
        return x
    texts = list(replace.values())
    pattern = re.compile("|".join(f"(?P<pattern_{k}>{key})" for k, key in enumerate(replace)))

    def text(match: re.Match[str]) -> str:
        return next(t for k, t in enumerate(texts) if match.group(f"pattern_{k}") is not None)

    return pattern.sub(text, x)


def safe_json(obj: Any) -> str:
    r"""`obj` as JSON that may stand inside HTML, in a script too: no text in it ends the script or starts a tag.

    >>> print(safe_json(["</script>", "ü & <b>"]))
    ["\u003c/script\u003e","\u00fc \u0026 \u003cb\u003e"]
    """
    text = json.dumps(obj, separators=(",", ":"), allow_nan=False)
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
