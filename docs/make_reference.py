"""Fill the tables of docs/reference/: `python docs/make_reference.py`.

A page holds, where a table belongs, a line such as

    <!-- names: theano.tensor.nlinalg -->
    ... the table ...
    <!-- end -->

and all between the two is made anew from the library itself: names, signatures, first sentences of docstrings, records
of elementwise functions, settings. The prose around the tables is written by hand. `--check` writes nothing and exits
with 1 where a table is stale, a public name is in no table, or a public object has no docstring.

What a line may ask for (arguments are separated by commas):

    names: module                                    the public names of a module; one may add
           ... from home, ...                        only those whose code is in the given modules
           ... only name, ...                        only these
           ... but name, ...                         not these, which are no business of users
    errors: module                                   the exceptions of a module
    members: x of path.of.Class                      the methods and properties of a class, written as x.method
    elementwise: family, ...                         the records of `theano.scalar.<family>`
    records:                                         all elementwise records, as theano.scalar has them
    dtype rules: family, ...                         the rules that these records use
    constructors:                                    the types and constructors of symbolic variables
    flags: section | without effect                  settings: those of a section ("-": of none), those that do nothing
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path

import public_names
import reference_tables

PAGES = Path(__file__).resolve().parent / "reference"
REMEDY = "run `python docs/make_reference.py`"

# modules of which every public name has to be in a table, and a docstring
MODULES = (
    "theano", "theano.configparser", "theano.errors", "theano.gradient", "theano.ifelse", "theano.printing",
    "theano.raise_op", "theano.scan_module", "theano.compile", "theano.compile.builders",
    "theano.compile.debugmode", "theano.compile.function_module", "theano.compile.io", "theano.compile.mode",
    "theano.compile.monitormode", "theano.compile.nanguardmode", "theano.compile.ops", "theano.compile.profiling",
    "theano.compile.sharedvalue", "theano.misc.pkl_utils", "theano.gof", "theano.gof.graph", "theano.gof.op",
    "theano.gof.type", "theano.gof.opt", "theano.gof.optdb", "theano.gof.fg", "theano.gof.toolbox",
    "theano.gof.destroyhandler", "theano.sandbox.linalg", "theano.sandbox.rng_mrg", "theano.scalar",
    "theano.tensor", "theano.tensor.extra_ops", "theano.tensor.fft", "theano.tensor.fourier", "theano.tensor.io",
    "theano.tensor.nlinalg", "theano.tensor.slinalg", "theano.tensor.sort", "theano.tensor.raw_random",
    "theano.tensor.shared_randomstreams", "theano.tensor.opt", "theano.tensor.utils", "theano.tensor.nnet",
    "theano.tensor.nnet.abstract_conv", "theano.tensor.nnet.bn", "theano.tensor.nnet.blocksparse",
    "theano.tensor.nnet.conv", "theano.tensor.nnet.conv3d2d", "theano.tensor.nnet.ctc",
    "theano.tensor.nnet.neighbours", "theano.tensor.signal.conv", "theano.tensor.signal.pool",
    "theano.scan_module.scan_utils", "theano.tests.breakpoint",
)  # fmt: skip

_TABLE = re.compile(r"(<!-- (?P<kind>[a-z ]+): ?(?P<what>[^>]*?) ?-->\n).*?(<!-- end -->)", re.DOTALL)

KINDS: dict[str, Callable[[str], str]] = {
    "names": reference_tables.names,
    "errors": reference_tables.errors,
    "members": reference_tables.members_of,
    "elementwise": reference_tables.elementwise,
    "records": reference_tables.records,
    "dtype rules": reference_tables.dtype_rules,
    "constructors": reference_tables.constructors,
    "flags": reference_tables.flags,
}


def filled(page: str) -> str:
    """The text of a page with its tables made anew."""

    def fill(found: re.Match[str]) -> str:
        kind = found["kind"]
        if kind not in KINDS:
            raise ValueError(f"There is no table of the kind {kind!r}; there are {', '.join(KINDS)}")
        return f"{found[1]}{KINDS[kind](found['what'])}\n{found[4]}"

    return _TABLE.sub(fill, page)


def pages() -> list[Path]:
    """The pages of the reference."""
    return sorted(PAGES.glob("*.md"))


def stale_pages() -> list[str]:
    """Names of the pages whose tables are not what the library says now."""
    return [page.name for page in pages() if filled(page.read_text()) != page.read_text()]


def names_without_table() -> list[str]:
    """Public names of `MODULES` which no page has in a table."""
    shown: set[tuple[str, str]] = set()
    for page in pages():
        for found in _TABLE.finditer(page.read_text()):
            shown |= reference_tables.covered(found["kind"], found["what"])
    return [
        f"{module}.{entry.name} (its code is in {entry.home})"
        for module in MODULES
        for entry in public_names.public_names(module)
        if (module, entry.name) not in shown
    ]


def names_without_docstring() -> list[str]:
    """Public functions, classes and methods of `MODULES` that do not say what they are."""
    left_out: dict[str, set[str]] = {}
    for page in pages():
        for found in _TABLE.finditer(page.read_text()):
            if found["kind"] == "names":
                module, names = reference_tables.left_out(found["what"])
                left_out.setdefault(module, set()).update(names)
    missing = (name for m in MODULES for name in public_names.missing_docstrings(m, left_out.get(m, ())))
    return sorted(set(missing))


def main(arguments: list[str]) -> int:
    """Write the pages, or with --check only say what is wrong with them."""
    if "--check" not in arguments:
        for page in pages():
            page.write_text(filled(page.read_text()))
        return 0
    complaints = [
        *(f"stale table: {name}: {REMEDY}" for name in stale_pages()),
        *(f"in no table: {name}" for name in names_without_table()),
        *(f"no docstring: {name}" for name in names_without_docstring()),
    ]
    print("\n".join(complaints))
    return bool(complaints)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
