"""The code of a unit of the run-time system (files that are compiled together): quickly made, or made well.

The optimising code generator needs a tenth of a second and more for the larger units, the fast one a tenth of that. So
a unit is made quickly at first. The good code is made in pieces, between which other work can go on, and replaces it.
Either may come from the cache on disk, which then saves reading the sources as a syntax tree, too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from theano._collector import collector_paused
from theano.backends.native import target
from theano.backends.native.object_cache import object_cache
from theano.backends.native.target import Address
from theano.backends.native.unit_text import Unit, runtime_unit, source

QUICK, GOOD = 0, 1
# characters of LLVM text that are compiled at a time: some ten milliseconds of work
PIECE = 16000


class UnitCode:
    """One unit, in memory once `load` was called.

    names   of its files `runtime_<name>.py`
    known   defines their free names
    `constants` and `functions` are what the files define; `level` says how good the code in memory is.
    """

    def __init__(self, names: Sequence[str], known: Mapping[str, int]) -> None:
        self.names = names
        self.known = known
        self.level = QUICK
        self.constants: dict[str, int] = {}
        self.functions: list[str] = []
        self._symbols: list[str] = []
        self._pieces: list[str] = []
        self._objects: list[bytes] = []  # of the good code, as far as it is made

    def _key(self, level: int) -> str:
        facts = [
            f"{name} {value.symbol if isinstance(value, Address) else value}"
            for name, value in sorted(self.known.items())
        ]
        sources = [source(name) for name in self.names]
        return target.code_key("unit", level, *facts, *sources, target.source_of("unit_text"))

    def address(self, function: str) -> Address:
        """The address of a function in the best code there is."""
        address = target.function_address(target.LOCAL + function, self._key_in_use)
        return Address(address, f"{self.names[0]}.{function}")

    def load(self, levels: Sequence[int]) -> None:
        """Bring the code into memory: the first of `levels` that the cache has, or else quickly made code."""
        cache = object_cache()
        if cache is not None:
            for level in levels:
                key = self._key(level)
                found = cache.load(key)
                if found is not None and self._take(key, found):
                    self.level = level
                    return
        with collector_paused():  # syntax trees are many small objects, and no garbage
            unit = self._read(near=target.host().has_near_code)
            text = unit.text()
        self._symbols = list(unit.used)
        key = self._key_in_use = self._key(QUICK)
        self._enter(key, [target.object_code(text, key, QUICK, near=unit.near)])

    def improve(self, stopped: Callable[[], bool]) -> bool:
        """Make good code, and bring it into memory. False if `stopped` said so; the next call then goes on there."""
        if self.level >= GOOD:
            return True
        key = self._key(GOOD)
        if not self._pieces:
            unit = self._read()
            self._pieces = unit.pieces(PIECE)
            self._symbols = list(unit.used)
        while len(self._objects) < len(self._pieces):
            if stopped():
                return False
            text = self._pieces[len(self._objects)]
            self._objects.append(target.object_code(text, key, GOOD, promote=True))
        self._enter(key, self._objects)
        self.level, self._key_in_use = GOOD, key
        self._pieces, self._objects = [], []
        return True

    def _read(self, near: bool = False) -> Unit:
        unit = runtime_unit(self.names, self.known, near)
        self.constants, self.functions = unit.constants, list(unit.arity)
        return unit

    def _enter(self, key: str, objects: Sequence[bytes]) -> None:
        """Load code that was made here, and keep it on disk."""
        target.load_code(key, objects, self._addresses())
        cache = object_cache()
        if cache is not None:
            facts = [
                *(f"constant {name} {value}" for name, value in self.constants.items()),
                *(f"function {name}" for name in self.functions),
                *(f"symbol {name}" for name in self._symbols),
            ]
            cache.store(key, ["\n".join(facts).encode(), *objects])

    def _take(self, key: str, found: Sequence[bytes]) -> bool:
        """Load what the cache had."""
        rows = [line.split() for line in found[0].decode().splitlines()]
        self.constants = {row[1]: int(row[2]) for row in rows if row[0] == "constant"}
        self.functions = [row[1] for row in rows if row[0] == "function"]
        self._symbols = [row[1] for row in rows if row[0] == "symbol"]
        self._key_in_use = key
        return target.load_code(key, found[1:], self._addresses())

    def _addresses(self) -> list[Address]:
        known = {value.symbol: value for value in self.known.values() if isinstance(value, Address)}
        return [known[name] if name in known else target.symbol_address(name) for name in self._symbols]
