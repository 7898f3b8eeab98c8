"""theano.d3viz: graphs in a browser.

`d3viz(f, "graph.html")` writes one HTML file with an interactive picture of the graph of a compiled function, of a
FunctionGraph or of variables; `d3write(f, "graph.dot")` a file for Graphviz. The code: `d3viz.py`; what the page is
told: `page_data.py`; where boxes lie: `layout.py` and `arrange.js`; pydot graphs: `formatting.py`.
"""

from __future__ import annotations

from theano.d3viz import formatting as formatting
from theano.d3viz.d3viz import d3viz as d3viz
from theano.d3viz.d3viz import d3write as d3write
from theano.d3viz.d3viz import replace_patterns as replace_patterns
from theano.d3viz.d3viz import safe_json as safe_json
