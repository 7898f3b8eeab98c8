"""The house: dependencies point one way, nothing hides in functions, no file names a machine or a package index.

Imports are read from the source (AST), so that also those that never run in a test are seen.
"""

import ast
import re
from pathlib import Path

import pytest

import theano

SOURCE = Path(theano.__file__).parent
ROOT = SOURCE.parent.parent

# a module may import only from its own row and those above; the longest prefix that fits decides
LAYERS = [
    ["theano._provenance"],
    ["theano._settings"],
    ["theano.errors", "theano._config", "theano._collector", "theano._records"],
    ["theano.graph"],
    ["theano.scalar"],
    ["theano.tensor"],
    ["theano.sparse"],
    ["theano.transforms"],
    ["theano.loops"],
    ["theano.rewriting"],
    ["theano.lowering"],
    ["theano.backends"],
    ["theano.compile"],
    ["theano.d3viz"],
    ["theano"],
]

# paths inside a layer's folder that are doors to code of a later layer: public import paths, without logic
DOORS = {"theano.tensor.opt", "theano.tensor.nnet.opt"}

# the heavy parts: (module that wraps them, what it imports when first needed)
LATE_IMPORTS = {
    ("theano.compile.linking", "theano.backends.native"),
    ("theano.compile.linking", "theano.lowering.lower"),
    ("theano.compile.linking", "theano.compile.pipeline"),
    ("theano.compile.function_object", "theano.compile.explanation"),
    ("theano.compile.function_object", "theano.compile.memory"),
    ("theano.lowering.build", "theano.scalar.complex_functions"),
    ("theano.lowering.build", "theano.scalar.complex_pairs"),
    ("theano._settings", "hashlib"),
    ("theano.rewriting.engine", "pdb"),
}
HEAVY = ("scipy", "llvmlite", "matplotlib", "pydot", "graphviz", "jax", "sklearn", "IPython")


def module_name(path):
    parts = path.relative_to(SOURCE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in sorted(SOURCE.rglob("*.py"))}
TREES = {name: ast.parse(path.read_text()) for name, path in MODULES.items()}


def imported(node):
    """Modules that an import statement names (for `from a import b`: a.b where that is a module, else a)."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if node.level:
        return ["<relative>"]
    names = [f"{node.module}.{alias.name}" for alias in node.names]
    return [n if n in MODULES else node.module for n in names]


def type_checking_only(tree):
    """Import statements under `if TYPE_CHECKING:`, which never run."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            found.update(id(n) for child in node.body for n in ast.walk(child))
    return found


def imports_of(name):
    """[(imported module, inside a function?, line)]"""
    tree = TREES[name]
    skipped = type_checking_only(tree)
    inside = set()
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            inside.update(id(n) for n in ast.walk(node) if n is not node)
    found = []
    for node in ast.walk(tree):
        if isinstance(node, (ast.Import, ast.ImportFrom)) and id(node) not in skipped:
            found += [(target, id(node) in inside, node.lineno) for target in imported(node)]
    return found


def layer(name):
    best, where = "", None
    for number, row in enumerate(LAYERS):
        for prefix in row:
            if (name == prefix or name.startswith(prefix + ".")) and len(prefix) > len(best):
                best, where = prefix, number
    return where


def test_imports_point_down_the_layers():
    wrong = []
    for name in MODULES:
        if name in DOORS:
            continue
        for target, _, line in imports_of(name):
            if target.split(".")[0] == "theano" and layer(target) > layer(name):
                wrong.append(f"{name}:{line} imports {target}")
    assert not wrong, "\n".join(wrong)


def test_no_rings():
    """Modules that are loaded together never wait for each other."""
    graph = {
        name: {t for t, inside, _ in imports_of(name) if t in MODULES and not inside and t != name} for name in MODULES
    }
    del graph["theano"]  # the front door imports everything, and everything lies behind it
    done, path = set(), []

    def visit(start):
        stack = [(start, iter(sorted(graph.get(start, ()))))]
        path.append(start)
        while stack:
            rest = stack[-1][1]
            for target in rest:
                if target in path:
                    ring = [*path[path.index(target) :], target]
                    packages = {r for r in ring if MODULES[r].name == "__init__.py"}
                    if not packages:  # a package and its own modules are one thing
                        raise AssertionError(" -> ".join(ring))
                    continue
                if target in done or target == "theano":
                    continue
                path.append(target)
                stack.append((target, iter(sorted(graph.get(target, ())))))
                break
            else:
                stack.pop()
                done.add(path.pop())

    for name in graph:
        if name not in done:
            visit(name)


def test_no_imports_inside_functions_except_heavy_parts():
    wrong = []
    for name in MODULES:
        for target, inside, line in imports_of(name):
            if inside and target.split(".")[0] not in HEAVY and (name, target) not in LATE_IMPORTS:
                wrong.append(f"{name}:{line} imports {target}")
    assert not wrong, "\n".join(wrong)


def test_heavy_parts_are_imported_late_or_not_at_all():
    wrong = []
    for name in MODULES:
        for target, inside, line in imports_of(name):
            if not inside and target.split(".")[0] in HEAVY and not name.startswith("theano.backends.native"):
                wrong.append(f"{name}:{line} imports {target}")
    assert not wrong, "\n".join(wrong)


def test_no_relative_imports():
    assert not [name for name in MODULES for target, _, _ in imports_of(name) if target == "<relative>"]


@pytest.mark.parametrize("name", MODULES)
def test_every_module_says_what_it_is_for(name):
    assert ast.get_docstring(TREES[name]), f"{MODULES[name]} has no docstring"


FORBIDDEN = re.compile(
    r"https?://[^\s\"']*(?:pypi|pythonhosted|anaconda|conda-forge|artifact|mirror|proxy)"  # package hosts
    r"|(?<![\w.])/(?:work|root|home|Users|tmp)/\w+",  # paths of one machine
    re.IGNORECASE,
)


def tracked_files():
    for folder in ("src", "tests", "docs", "examples", "benchmarks", ".ci"):
        for path in sorted((ROOT / folder).rglob("*")):
            made = "__pycache__" in path.parts or ".egg-info" in str(path) or path.suffix in (".pyc", ".png")
            if path.is_file() and not made:
                yield path
    for name in ("README.md", "Makefile", "pyproject.toml"):
        if (ROOT / name).exists():
            yield ROOT / name


def test_no_file_names_a_machine_or_a_package_host():
    wrong = []
    for path in tracked_files():
        if path == Path(__file__):
            continue
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
            if FORBIDDEN.search(line):
                wrong.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}")
    assert not wrong, "\n".join(wrong)


def test_no_file_is_called_after_nothing():
    vague = {"utils", "util", "misc", "helpers", "helper", "common"}
    allowed = {"theano.gof.utils", "theano.tensor.utils", "theano.misc"}  # public import paths of the original
    assert not [n for n in MODULES if n.rsplit(".", 1)[-1] in vague and n not in allowed]
