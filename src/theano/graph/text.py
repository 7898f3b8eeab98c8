"""Graphs as text: `debugprint` trees, one-line forms with sharing, and descriptions for comparing graphs.

Everything is iterative and linear in the graph, so that graphs of any depth print. Mathematical notation is in
`formula.py`; the public names are in `theano/printing.py`.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from theano.graph.node import Apply, Constant, Variable
from theano.graph.traverse import graph_inputs, toposort

REPEATED = "···"
_WIDEST_INDENT = 120  # deeper lines say their depth in place of the bars


def debugprint(
    obj: Any,
    depth: int = -1,
    print_type: bool = False,
    file: Any = None,
    ids: str = "CHAR",
    stop_on_name: bool = False,
    done: dict[Any, str] | None = None,
    print_storage: bool = False,
    print_clients: bool = False,
    used_ids: dict[Any, str] | None = None,
    program: bool = False,
) -> Any:
    """Print a graph as a tree of nodes.

    obj            a variable, node, FunctionGraph, compiled function, or a list of these
    depth          how many levels (-1: all)
    print_type     the types of the variables too
    file           None: standard output; "str": return the text; otherwise something with `write`
    ids            "CHAR" letters, "int" numbers, "id" addresses, "auto" creation numbers, "" none. Equal ids are one
                   node; below a repeated node stands `···`
    stop_on_name   do not go below variables with a name
    done           nodes that were printed already, with their ids (extended)
    print_storage  the values of constants and shared variables
    print_clients  who uses a node (of a FunctionGraph or compiled function)
    used_ids       like `done`, for ids only
    program        of a compiled function: its Program (the schedule of kernels) instead of the graph

    >>> import theano, theano.tensor as tt
    >>> x = tt.dscalar("x")
    >>> debugprint(tt.exp(x) * x)
    Elemwise{mul} [id A] ''
     |Elemwise{exp} [id B] ''
     | |x [id C]
     |x [id C]
    """
    text = "\n".join(
        _Tree(depth, print_type, ids, stop_on_name, done, print_storage, print_clients, used_ids, program).lines(obj)
    )
    if isinstance(file, str):
        if file != "str":
            raise ValueError(f"debugprint: file must be None, 'str' or an open file, got {file!r}")
        return text
    target = sys.stdout if file is None else file
    target.write(text + "\n")
    flush = getattr(target, "flush", None)
    if flush is not None:
        flush()
    return file


class _Tree:
    """One debugprint call: the options and which ids are given."""

    def __init__(
        self, depth: int, print_type: bool, ids: str, stop_on_name: bool, done: dict[Any, str] | None,
        print_storage: bool, print_clients: bool, used_ids: dict[Any, str] | None, program: bool,
    ) -> None:
        if not isinstance(depth, int):
            raise TypeError(f"debugprint: depth must be an int, got {depth!r}")
        if ids not in ("CHAR", "int", "id", "auto", "AUTO", ""):
            raise ValueError(f"debugprint: ids must be 'CHAR', 'int', 'id', 'auto' or '', got {ids!r}")
        self.depth = depth
        self.print_type = print_type
        self.ids = ids
        self.stop_on_name = stop_on_name
        self.done: dict[Any, str] = {} if done is None else done
        self.used_ids: dict[Any, str] = {} if used_ids is None else used_ids
        self.print_storage = print_storage
        self.print_clients = print_clients
        self.program = program
        self.positions: dict[Apply, int] = {}
        self.clients: dict[Variable, list[tuple[Any, int]]] = {}
        self.inner: dict[Any, tuple[Variable, list[Variable]]] = {}

    def lines(self, obj: Any) -> Iterator[str]:
        for root in obj if isinstance(obj, (list, tuple, set)) else [obj]:
            if self.program:
                yield str(_program_of(root))
                continue
            for variable in self._outputs(root):
                yield from self._variable(variable, "", "")
        yield from self._inner_graphs()

    def _outputs(self, root: Any) -> list[Variable]:
        """The variables to print for `root`; the positions of nodes become known for graphs with an order."""
        fgraph = root
        if hasattr(root, "maker") and hasattr(root.maker, "fgraph"):
            fgraph = root.maker.fgraph
        if isinstance(fgraph, Variable):
            return [fgraph]
        if isinstance(fgraph, Apply):
            return [fgraph.default_output() if len(fgraph.outputs) == 1 else fgraph.outputs[0]]
        if hasattr(fgraph, "toposort") and hasattr(fgraph, "outputs"):
            self.positions.update({node: number for number, node in enumerate(fgraph.toposort())})
            if self.print_clients:
                self.clients.update({v: fgraph.get_clients(v) for v in fgraph.variables})
            return list(fgraph.outputs)
        raise TypeError(f"debugprint cannot print {root!r} of {type(root).__name__}: it is no variable, node, "
                        f"FunctionGraph or compiled function")

    def _variable(self, variable: Variable, first: str, prefix: str) -> Iterator[str]:
        """The tree below `variable`: `first` stands before its own line, `prefix` before those of its inputs."""
        stack: list[tuple[Variable | None, str, str, int]] = [(variable, first, prefix, 0)]
        while stack:
            item, before, below, level = stack.pop()
            if item is None:
                yield before + REPEATED
                continue
            if self.depth >= 0 and level >= self.depth:
                continue
            node = item.owner
            yield before + self._line(item)
            if node is None:
                continue
            if self.stop_on_name and item.name is not None and level > 0:
                continue
            if node in self.done:
                if node.inputs and (self.depth < 0 or level + 1 < self.depth):
                    stack.append((None, below + " |", "", level + 1))
                continue
            self.done[node] = self._id(node)
            self._note_inner_graph(item)
            if len(below) > _WIDEST_INDENT:
                below = f" ({level}{REPEATED})"
            last = len(node.inputs) - 1
            for position in range(last, -1, -1):
                deeper = below + ("   " if position == last else " | ")[:2]
                stack.append((node.inputs[position], below + " |", deeper, level + 1))

    def _line(self, variable: Variable) -> str:
        node = variable.owner
        if node is None:
            parts = [_leaf_text(variable)]
            if self.print_type:
                parts.append(f"<{variable.type}>")
            parts.append(self._id(variable))
        else:
            parts = [str(node.op) if len(node.outputs) == 1 else f"{node.op}.{variable.index}"]
            if self.print_type:
                parts.append(f"<{variable.type}>")
            parts.append(self._id(node))
            parts.append(f"'{variable.name or ''}'")
        if node in self.positions:
            parts.append(f"  {self.positions[node]}")
        if self.print_storage and node is None:
            value = _stored_value(variable)
            if value is not None:
                parts.append(f"[{value}]")
        if self.print_clients and variable in self.clients:
            users = [f"{user if isinstance(user, str) else user.op}:{position}"
                     for user, position in self.clients[variable]]
            if len(users) > 1:
                parts.append(f"clients:[{', '.join(users)}]")
        return " ".join(part for part in parts if part)

    def _id(self, item: Any) -> str:
        known = self.done.get(item) or self.used_ids.get(item)
        if known is not None:
            return known
        if self.ids == "CHAR":
            text = f"[id {letters(len(self.used_ids))}]"
        elif self.ids == "int":
            text = f"[id {len(self.used_ids)}]"
        elif self.ids == "id":
            text = f"[id {id(item)}]"
        elif self.ids in ("auto", "AUTO"):
            variable = item.outputs[0] if isinstance(item, Apply) else item
            text = f"[id {variable.auto_name}]"
        else:
            text = ""
        self.used_ids[item] = text
        return text

    def _note_inner_graph(self, variable: Variable) -> None:
        assert variable.owner is not None
        op = variable.owner.op
        inner = getattr(op, "fgraph", None)
        if inner is not None and hasattr(inner, "outputs"):
            self.inner.setdefault(op, (variable, list(inner.outputs)))

    def _inner_graphs(self) -> Iterator[str]:
        printed: set[Any] = set()
        while len(printed) < len(self.inner):
            if not printed:
                yield ""
                yield "Inner graphs:"
            op = next(op for op in self.inner if op not in printed)
            printed.add(op)
            variable, outputs = self.inner[op]
            yield ""
            yield self._line(variable)
            for output in outputs:
                yield from self._variable(output, " >", "  ")


def letters(number: int) -> str:
    """0 -> A, 25 -> Z, 26 -> BA: a number in base 26 with letters as digits."""
    text = ""
    while True:
        number, digit = divmod(number, 26)
        text = chr(ord("A") + digit) + text
        if number == 0:
            return text


def _leaf_text(variable: Variable) -> str:
    return " ".join(str(variable).split())


def _stored_value(variable: Variable) -> str | None:
    if isinstance(variable, Constant):
        value = variable.data
    else:
        container = getattr(variable, "container", None)
        if container is None:
            return None
        value = container.value
    text = " ".join(str(value).split())
    return text if len(text) <= 200 else text[:197] + "..."


def _program_of(function: Any) -> Any:
    program = getattr(function, "program", None)
    if program is None:
        raise TypeError(
            f"debugprint(program=True) needs a function compiled for the native backend; {function} has no Program"
        )
    return program


# -- one-line forms -------------------------------------------------------------------------------------------------


def default_leaf_formatter(leaf: Variable) -> str:
    return str(leaf)


def default_node_formatter(node: Apply, arguments: Sequence[str]) -> str:
    return f"{node.op}({', '.join(arguments)})"


def op_as_string(
    i: Sequence[Variable],
    op: Apply,
    leaf_formatter: Callable[[Variable], str] = default_leaf_formatter,
    node_formatter: Callable[[Apply, Sequence[str]], str] = default_node_formatter,
) -> str:
    """The node `op` with its inputs written out down to the variables `i`."""
    return node_formatter(op, as_string(i, op.inputs, leaf_formatter, node_formatter))


def as_string(
    i: Sequence[Variable],
    o: Sequence[Variable],
    leaf_formatter: Callable[[Variable], str] = default_leaf_formatter,
    node_formatter: Callable[[Apply, Sequence[str]], str] = default_node_formatter,
) -> list[str]:
    """The outputs `o` as text in terms of the inputs `i`.

    What is used more than once is written out where it comes first, as `*1 -> ...`, and afterwards is `*1`.
    """
    given = set(i)
    uses: dict[Apply, int] = {}
    users = toposort(o, i)
    for variables in [*(node.inputs for node in users), o]:
        for variable in variables:
            if variable.owner is not None and variable not in given:
                uses[variable.owner] = uses.get(variable.owner, 0) + 1
    numbers: dict[Apply, int] = {}

    def write(root: Variable) -> str:
        pieces: list[str] = []
        stack: list[str | Variable] = [root]
        while stack:
            item = stack.pop()
            if isinstance(item, str):
                pieces.append(item)
                continue
            node = item.owner
            if node is None or item in given:
                pieces.append(leaf_formatter(item))
                continue
            suffix = f"::{item.index}" if len(node.outputs) > 1 else ""
            if node in numbers:
                pieces.append(f"*{numbers[node]}{suffix}")
                continue
            if uses[node] > 1:
                numbers[node] = len(numbers) + 1
                pieces.append(f"*{numbers[node]} -> ")
            # the formatter sees marks in place of its arguments, so that no text is copied at every level
            marked = node_formatter(node, [f"\0{k}\0" for k in range(len(node.inputs))]) + suffix
            parts = marked.split("\0")
            stack.extend(node.inputs[int(part)] if number % 2 else part
                         for number, part in reversed(list(enumerate(parts))))
        return "".join(pieces)

    return [write(variable) for variable in o]


# -- descriptions ---------------------------------------------------------------------------------------------------


def min_informative_str(
    obj: Any,
    indent_level: int = 0,
    _prev_obs: dict[Any, str] | None = None,
    _tag_generator: Iterator[str] | None = None,
) -> str:
    """What `obj` is in terms of named variables and constants: a tree with one letter for each variable.

    >>> from theano import tensor
    >>> x = tensor.dscalar("x")
    >>> print(min_informative_str(tensor.exp(x)))
    A. Elemwise{exp}
     B. x
    """
    seen = {} if _prev_obs is None else _prev_obs
    tags = _tags() if _tag_generator is None else _tag_generator
    lines = []
    stack = [(obj, indent_level)]
    while stack:
        item, level = stack.pop()
        indent = " " * level if level <= _WIDEST_INDENT else f"{' ' * _WIDEST_INDENT}({level}) "
        if item in seen:
            lines.append(f"{indent}<{seen[item]}>")
            continue
        seen[item] = next(tags)
        expand = isinstance(item, Variable) and item.owner is not None and item.name is None
        text = item.owner.op if expand else _leaf_text(item) if isinstance(item, Variable) else item
        lines.append(f"{indent}{seen[item]}. {text}")
        if expand:
            stack.extend((v, level + 1) for v in reversed(item.owner.inputs))
    return "\n".join(lines)


def var_descriptor(
    obj: Any, _prev_obs: dict[Any, str] | None = None, _tag_generator: Iterator[str] | None = None
) -> str:
    """How a variable is computed, in full, on one line and without addresses: equal graphs give equal texts."""
    seen: dict[Any, str] = {} if _prev_obs is None else _prev_obs
    tags = _tags() if _tag_generator is None else _tag_generator
    pieces: list[str] = []
    stack: list[tuple[Any, bool]] = [(obj, False)]
    while stack:
        item, literal = stack.pop()
        if literal:
            pieces.append(item)
            continue
        if isinstance(item, Variable) and item in seen:
            pieces.append(f"<{seen[item]}>")
            continue
        if not isinstance(item, Variable):
            pieces.append(hex_digest(item) if isinstance(item, np.ndarray) else str(item))
            continue
        seen[item] = next(tags)
        pieces.append(f"{seen[item]}=")
        if item.owner is not None:
            index = f".{item.index}" if len(item.owner.outputs) > 1 else ""
            pieces.append(f"{item.owner.op}{index}(")
            stack.append((")", True))
            for position, variable in enumerate(reversed(item.owner.inputs)):
                if position:
                    stack.append((",", True))
                stack.append((variable, False))
        elif isinstance(item, Constant) and isinstance(item.data, np.ndarray):
            pieces.append(f"Constant{{{hex_digest(item.data)}}}")
        else:
            pieces.append(position_independent_str(item) if item.name is None else item.name)
    return "".join(pieces)


def position_independent_str(obj: Any) -> str:
    """A text for `obj` without memory addresses."""
    if isinstance(obj, Variable):
        return f"theano_var{{type={obj.type}}}"
    raise NotImplementedError(f"position_independent_str is for variables, got {type(obj).__name__}")


def hex_digest(x: np.ndarray) -> str:
    """A short text which equal arrays (elements, dtype, shape, strides) share and others do not."""
    if not isinstance(x, np.ndarray):
        raise TypeError(f"hex_digest is for arrays, got {type(x).__name__}")
    content = hashlib.sha256(x.tobytes()).hexdigest()
    strides = ",".join(map(str, x.strides))
    shape = ",".join(map(str, x.shape))
    return f"{content}|dtype={x.dtype}|strides=[{strides}]|shape=[{shape}]"


def _tags() -> Iterator[str]:
    number = 0
    while True:
        yield letters(number)
        number += 1


def graph_text(outputs: Sequence[Variable]) -> str:
    """`as_string` of several outputs from their leaves, as one text."""
    return f"[{', '.join(as_string(graph_inputs(outputs), outputs))}]"
