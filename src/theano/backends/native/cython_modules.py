"""Modules written in Cython that export C functions, such as `scipy.linalg.cython_blas`.

Of SciPy's packages only the one compiled module is loaded: `scipy.linalg` itself loads a hundred more modules, which
takes longer than to compile a deep network. The module object is not left in `sys.modules`: whoever imports it later
does so in the ordinary way, and gets the same functions.
"""

from __future__ import annotations

import importlib
import sys
from functools import cache
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec, module_from_spec
from pathlib import Path
from typing import Any

# These need nothing of the package that they are in, and may be loaded a second time.
_ALONE = frozenset(["scipy.linalg.cython_blas", "scipy.linalg.cython_lapack"])


@cache
def exported(module: str) -> dict[str, Any]:
    """{function: PyCapsule} of a Cython module."""
    found = _alone(module) if module in _ALONE else None
    return dict(found if found is not None else importlib.import_module(module).__pyx_capi__)


def file_of(module: str) -> str | None:
    """Where a compiled module is; it and its package need not be loaded, and are not by this. None if it is unknown."""
    spec = _spec_of(module)
    return None if spec is None else spec.origin


def _spec_of(module: str) -> ModuleSpec | None:
    top, *folders = module.split(".")[:-1]
    root = find_spec(top)
    if root is None:
        return None
    places = [str(Path(place, *folders)) for place in root.submodule_search_locations or ()]
    return PathFinder.find_spec(module, places)


def _alone(module: str) -> Any:
    """The table of a module which is loaded without the package that it is in; None if that does not work."""
    if module.rpartition(".")[0] in sys.modules:
        return None  # loaded already: the ordinary way costs nothing more
    spec = _spec_of(module)
    if spec is None or spec.loader is None:
        return None
    try:
        found = module_from_spec(spec)
        spec.loader.exec_module(found)
        return found.__pyx_capi__
    except (ImportError, AttributeError):
        return None
    finally:
        sys.modules.pop(module, None)
