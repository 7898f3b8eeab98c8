"""theano: define, differentiate, optimise and evaluate mathematical expressions over multi-dimensional arrays.

>>> import theano
>>> import theano.tensor as tt
>>> x = tt.dscalar("x")
>>> f = theano.function([x], theano.grad(tt.exp(x) * x, x))
>>> float(f(0.0))
1.0

Names of this module: `function`, `shared`, `In`, `Out`, `Mode`, `config`, the graph classes (`Variable`, `Apply`, `Op`,
`Type`, ...) are here at once; what needs more code (`grad`, `pp`, `OpFromGraph`, ...) is loaded when first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from theano._collector import collector_paused as _collector_paused
from theano._collector import settle as _settle

# what is loaded here stays: the collector would walk over it thirty times, and find nothing
with _collector_paused():
    from theano import tensor as tensor
    from theano._config import change_flags as change_flags
    from theano._config import config as config
    from theano.compile import FunctionMaker as FunctionMaker
    from theano.compile import In as In
    from theano.compile import Linker as Linker
    from theano.compile import LocalLinker as LocalLinker
    from theano.compile import Mode as Mode
    from theano.compile import OrderedUpdates as OrderedUpdates
    from theano.compile import Out as Out
    from theano.compile import PerformLinker as PerformLinker
    from theano.compile import ProfileStats as ProfileStats
    from theano.compile import SymbolicInput as SymbolicInput
    from theano.compile import SymbolicOutput as SymbolicOutput
    from theano.compile import function as function
    from theano.compile import function_dump as function_dump
    from theano.compile import predefined_linkers as predefined_linkers
    from theano.compile import predefined_modes as predefined_modes
    from theano.compile import predefined_optimizers as predefined_optimizers
    from theano.compile.collect import clone as clone
    from theano.errors import InconsistencyError as InconsistencyError
    from theano.graph.fgraph import FunctionGraph as FunctionGraph
    from theano.graph.node import Apply as Apply
    from theano.graph.node import Constant as Constant
    from theano.graph.node import Variable as Variable
    from theano.graph.op import Op as Op
    from theano.graph.shared import Container as Container
    from theano.graph.shared import shared as shared
    from theano.graph.type import Generic as Generic
    from theano.graph.type import Type as Type
    from theano.graph.type import generic as generic
    from theano.tensor import float64_warning as _float64_warning  # noqa: F401  obeys config.warn_float64
    from theano.tensor import get_scalar_constant_value as get_scalar_constant_value
    from theano.tensor import random_state as _random_state  # noqa: F401  registers the constructor of random states
    from theano.tensor import sharedvar as _sharedvar  # noqa: F401  registers the constructors of shared variables

    _settle()

if TYPE_CHECKING:
    from theano.compile.builders import OpFromGraph as OpFromGraph
    from theano.compile.doctor import doctor as doctor
    from theano.compile.explanation import explain as explain
    from theano.compile.ops import OpenMPOp as OpenMPOp
    from theano.compile.ops import as_op as as_op
    from theano.gradient import Lop as Lop
    from theano.gradient import Rop as Rop
    from theano.gradient import grad as grad
    from theano.gradient import subgraph_grad as subgraph_grad
    from theano.graph.props import object2 as object2
    from theano.loops.loop import loop as loop
    from theano.loops.loop import while_loop as while_loop
    from theano.printing import pp as pp
    from theano.printing import pprint as pprint
    from theano.scan_module import foldl as foldl
    from theano.scan_module import foldr as foldr
    from theano.scan_module import map as map
    from theano.scan_module import reduce as reduce
    from theano.scan_module import scan as scan  # type: ignore[no-redef]  # a module has that name too
    from theano.scan_module import scan_checkpoints as scan_checkpoints
    from theano.tensor import dot as dot
    from theano.transforms.sparse_marks import sparse_grad as sparse_grad

__version__ = "2.0.0.dev0"
__api_version__ = 1

# name -> module that has it, loaded when the name is first used
_LAZY = {
    "OpFromGraph": "theano.compile.builders",
    "OpenMPOp": "theano.compile.ops",
    "as_op": "theano.compile.ops",
    "doctor": "theano.compile.doctor",
    "explain": "theano.compile.explanation",
    "object2": "theano.graph.props",
    "dot": "theano.tensor",
    "Lop": "theano.gradient",
    "Rop": "theano.gradient",
    "grad": "theano.gradient",
    "subgraph_grad": "theano.gradient",
    "sparse_grad": "theano.transforms.sparse_marks",
    "scan": "theano.scan_module",
    "map": "theano.scan_module",
    "reduce": "theano.scan_module",
    "loop": "theano.loops.loop",
    "while_loop": "theano.loops.loop",
    "foldl": "theano.scan_module",
    "foldr": "theano.scan_module",
    "scan_checkpoints": "theano.scan_module",
    "pp": "theano.printing",
    "pprint": "theano.printing",
}
_SUBMODULES = (
    "configparser", "d3viz", "gof", "gradient", "ifelse", "misc", "printing", "raise_op", "sandbox", "scalar",
    "scan_module", "sparse", "updates",
)  # fmt: skip


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        value = getattr(importlib.import_module(_LAZY[name]), name)
        globals()[name] = value
        return value
    if name in _SUBMODULES:
        return importlib.import_module(f"theano.{name}")
    raise AttributeError(f"module 'theano' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY, *_SUBMODULES})
