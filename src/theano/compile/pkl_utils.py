"""Pickles in a zip archive: arrays apart, as .npy members that NumPy can read, named after the shared variables.

A member "pkl" holds everything else. Like every pickle, load only what you trust.
"""

from __future__ import annotations

import io
import pickle
import zipfile
from collections.abc import Callable
from typing import Any, BinaryIO

import numpy as np

from theano._provenance import Origin
from theano.graph.node import Tag
from theano.graph.shared import SharedVariable

DEFAULT_PROTOCOL = pickle.DEFAULT_PROTOCOL
TRACES = ("trace",)  # notes that StripPickler always drops


class StripPickler(pickle.Pickler):
    """A pickler that leaves out where variables and nodes were made (paths and lines of the user's program).

    extra_tag_to_remove   names of further notes on `variable.tag` that are dropped, for example "test_value"
    """

    def __init__(self, file: BinaryIO, protocol: int = 0, extra_tag_to_remove: Any = None) -> None:
        super().__init__(file, protocol)
        extra = [extra_tag_to_remove] if isinstance(extra_tag_to_remove, str) else extra_tag_to_remove or ()
        self.tag_to_remove = (*TRACES, *extra)

    def reducer_override(self, obj: Any) -> Any:
        """What is written in the place of notes and lines of the program."""
        if isinstance(obj, Origin):
            return _no_origin, ()
        if isinstance(obj, Tag):
            return _tag, ({k: v for k, v in obj.__dict__.items() if k not in self.tag_to_remove},)
        return NotImplemented


def _no_origin() -> Origin:
    return Origin([])


def _tag(notes: dict[str, Any]) -> Tag:
    tag = Tag()
    tag.__dict__.update(notes)
    return tag


class PersistentNdarrayID:
    """Writes each array that pickle meets into `zip_file`, once, as array_0.npy, array_1.npy, ..."""

    def __init__(self, zip_file: zipfile.ZipFile) -> None:
        self.zip_file = zip_file
        self.count = 0
        self.seen: dict[int, tuple[str, Any]] = {}

    def resolve_name(self, obj: Any) -> str:
        """The name of the member for an array."""
        name = f"array_{self.count}"
        self.count += 1
        return name

    def __call__(self, obj: Any) -> str | None:
        if type(obj) is not np.ndarray or obj.dtype.hasobject:
            return None
        if id(obj) not in self.seen:
            name = self.resolve_name(obj)
            zipadd(lambda f: np.lib.format.write_array(f, obj, allow_pickle=False), self.zip_file, f"{name}.npy")
            self.seen[id(obj)] = (name, obj)
        return self.seen[id(obj)][0]


class PersistentSharedVariableID(PersistentNdarrayID):
    """Names the members after the shared variables that hold the arrays.

    allow_unnamed      False: ValueError for a shared variable without a name
    allow_duplicates   True: the second variable of one name is called name_2; False: ValueError
    """

    def __init__(self, zip_file: zipfile.ZipFile, allow_unnamed: bool = True, allow_duplicates: bool = True) -> None:
        super().__init__(zip_file)
        self.allow_unnamed = allow_unnamed
        self.allow_duplicates = allow_duplicates
        self.uses: dict[str, int] = {}
        self.names: dict[int, str] = {}
        self._known: set[int] = set()

    def resolve_name(self, obj: Any) -> str:
        return self.names.get(id(obj)) or super().resolve_name(obj)

    def __call__(self, obj: Any) -> str | None:
        if isinstance(obj, SharedVariable) and id(obj) not in self._known:
            self._known.add(id(obj))
            if obj.name:
                if obj.name == "pkl":
                    raise ValueError("A shared variable cannot be stored under the name 'pkl': rename it.")
                count = self.uses[obj.name] = self.uses.get(obj.name, 0) + 1
                if count > 1 and not self.allow_duplicates:
                    raise ValueError(f"Several shared variables have the name {obj.name!r}: rename one of them.")
                name = obj.name if count == 1 else f"{obj.name}_{count}"
                self.names[id(obj.container.storage[0])] = name
            elif not self.allow_unnamed:
                raise ValueError(f"A shared variable of type {obj.type} has no name: set its attribute `name`.")
        return super().__call__(obj)


class PersistentNdarrayLoad:
    """Reads the arrays back, each once."""

    def __init__(self, zip_file: zipfile.ZipFile) -> None:
        self.zip_file = zip_file
        self.cache: dict[str, Any] = {}

    def __call__(self, persid: str) -> Any:
        if persid not in self.cache:
            with self.zip_file.open(f"{persid}.npy") as f:
                self.cache[persid] = np.lib.format.read_array(f, allow_pickle=False)
        return self.cache[persid]


def zipadd(func: Callable[[Any], Any], zip_file: zipfile.ZipFile, name: str) -> None:
    """Let `func(file)` write the member `name`."""
    with zip_file.open(name, "w", force_zip64=True) as f:
        func(f)


def dump(
    obj: Any,
    file_handler: BinaryIO,
    protocol: int = DEFAULT_PROTOCOL,
    persistent_id: Callable[[zipfile.ZipFile], Callable[[Any], Any]] = PersistentSharedVariableID,
) -> None:
    """Write `obj` into a file that is open for writing bytes. `numpy.load` can read the arrays in it.

    >>> import io, theano
    >>> from theano.misc import pkl_utils
    >>> file = io.BytesIO()
    >>> pkl_utils.dump(theano.shared(0.5, name="rate"), file)
    >>> float(pkl_utils.load(file).get_value())
    0.5
    """
    with zipfile.ZipFile(file_handler, "w", zipfile.ZIP_DEFLATED, allowZip64=True) as archive:
        persistent = persistent_id(archive)

        class _Pickler(pickle.Pickler):
            def persistent_id(self, obj: Any) -> Any:
                return persistent(obj)

        # the arrays are written while pickling goes on, and an archive takes one member at a time
        stream = io.BytesIO()
        _Pickler(stream, protocol).dump(obj)
        archive.writestr("pkl", stream.getvalue())


def load(
    f: BinaryIO, persistent_load: Callable[[zipfile.ZipFile], Callable[[Any], Any]] = PersistentNdarrayLoad
) -> Any:
    """What `dump` wrote into the file `f`."""
    with zipfile.ZipFile(f, "r") as archive:
        persistent = persistent_load(archive)

        class _Unpickler(pickle.Unpickler):
            def persistent_load(self, pid: Any) -> Any:
                return persistent(pid)

        with archive.open("pkl") as stream:
            return _Unpickler(stream).load()


__all__ = [
    "DEFAULT_PROTOCOL", "PersistentNdarrayID", "PersistentNdarrayLoad", "PersistentSharedVariableID", "StripPickler",
    "dump", "load", "zipadd",
]  # fmt: skip
