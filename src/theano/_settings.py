"""How settings work: kinds of flags, where values come from, the object `config`, flags changed for a while.

A value comes from, in order of precedence: assignment (`config.floatX = "float32"`), the environment variable
THEANO_FLAGS ("k=v,k=v", the right-most wins), the ini files named by THEANORC (default: .theanorc in the home
directory; later files win), the flag's default. Reading a flag is reading a plain attribute, because every node that is
built reads some. The flags themselves are declared in `_config.py`.
"""

from __future__ import annotations

import importlib
import os
import warnings
from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from typing import Any, TypeVar

_F = TypeVar("_F", bound=Callable[..., Any])


class TheanoConfigWarning(Warning):
    """A setting was given in a way that cannot be understood, and was ignored."""


# -- kinds of flags ---------------------------------------------------------------------------------------------------


class ConfigParam:
    """Declaration of one flag.

    default         its value when nobody sets it; a callable is called once, at declaration
    filter          turns what a user gives (often text) into the value; raises ValueError
    allow_override  False: it can only be set by environment variable or file, before the import
    """

    def __init__(
        self, default: Any, filter: Callable[[Any], Any] | None = None, allow_override: bool = True
    ) -> None:
        self.default = default
        self._filter = filter
        self.allow_override = allow_override
        self.fullname = ""
        self.doc = ""
        self.in_c_key = True
        self.on_change: Callable[[Any], None] | None = None

    def filter(self, value: Any) -> Any:
        """What the flag holds when `value` is given; ValueError if it takes no such value."""
        return value if self._filter is None else self._filter(value)

    def first_value(self) -> Any:
        """The default, as the flag holds it."""
        default = self.default() if callable(self.default) else self.default
        return default if default is None else self.filter(default)

    def kind(self) -> str:
        """What values the flag takes, in words."""
        return type(self).__name__.removesuffix("Param").lower()


class EnumStr(ConfigParam):
    """Text among listed options; the first is the default. Case matters, as the original has it."""

    def __init__(self, default: str, *options: str, allow_override: bool = True) -> None:
        super().__init__(default, None, allow_override)
        self.all = (default, *options)

    def filter(self, value: Any) -> Any:
        if value is None and "None" in self.all:
            return "None"
        if value in self.all:
            return value
        raise ValueError(
            f"Invalid value ({value!r}) for the flag {self.fullname or 'being declared'}; "
            f"valid options are {', '.join(map(repr, self.all))}."
        )

    def kind(self) -> str:
        return "one of " + ", ".join(map(str, self.all))


class TypedParam(ConfigParam):
    """A value made by `mytype` and, if `is_valid` is given, accepted by it."""

    def __init__(
        self,
        default: Any,
        mytype: Callable[[Any], Any],
        is_valid: Callable[[Any], bool] | None = None,
        allow_override: bool = True,
    ) -> None:
        super().__init__(default, None, allow_override)
        self.mytype = mytype
        self.is_valid = is_valid

    def filter(self, value: Any) -> Any:
        try:
            converted = self.mytype(value)
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"Invalid value ({value!r}) for the flag {self.fullname or 'being declared'}: {error}"
            ) from None
        if self.is_valid is not None and not self.is_valid(converted):
            raise ValueError(f"Invalid value ({value!r}) for the flag {self.fullname or 'being declared'}.")
        return converted

    def kind(self) -> str:
        return getattr(self.mytype, "__name__", "value").strip("_")


def StrParam(
    default: Any, is_valid: Callable[[str], bool] | None = None, allow_override: bool = True
) -> TypedParam:
    """A flag that holds text."""
    return TypedParam(default, str, is_valid, allow_override)


def IntParam(
    default: Any, is_valid: Callable[[int], bool] | None = None, allow_override: bool = True
) -> TypedParam:
    """A flag that holds an int."""
    return TypedParam(default, int, is_valid, allow_override)


def FloatParam(
    default: Any, is_valid: Callable[[float], bool] | None = None, allow_override: bool = True
) -> TypedParam:
    """A flag that holds a float."""
    return TypedParam(default, float, is_valid, allow_override)


def bool_(value: Any) -> bool:
    if value in (True, False):  # 1 and 0 too
        return bool(value)
    text = str(value).lower()
    if text in ("true", "1"):
        return True
    if text in ("false", "0"):
        return False
    raise ValueError("give True or False")


def BoolParam(
    default: Any, is_valid: Callable[[bool], bool] | None = None, allow_override: bool = True
) -> TypedParam:
    """A flag that holds a bool; accepts True, False, 1, 0 and these as text."""
    return TypedParam(default, bool_, is_valid, allow_override)


# -- where values come from -------------------------------------------------------------------------------------------


def parse_config_string(config_string: str, issue_warnings: bool = True) -> dict[str, str]:
    """{"k": "v"} from "k=v,k=v". The right-most of equal keys wins; text without "=" is warned of and ignored."""
    found = {}
    for part in config_string.split(","):
        part = part.strip()
        if not part:
            continue
        key, equals, value = part.partition("=")
        if not equals:
            if issue_warnings:
                warnings.warn(f"Config key {part!r} has no value, ignoring it", TheanoConfigWarning, stacklevel=2)
            continue
        found[key.strip()] = value.strip()
    return found


def config_files_from_theanorc() -> list[str]:
    """Paths of the ini files, later ones win."""
    paths = os.getenv("THEANORC", "~/.theanorc").split(os.pathsep)
    if os.name == "nt":
        paths += ["~/.theanorc.txt"]
    return [os.path.expanduser(path) for path in paths if path]


def _read_files(paths: Iterable[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for path in paths:
        if not os.path.isfile(path):
            continue
        ini_files = importlib.import_module("configparser")  # most machines have no such file
        parser = ini_files.ConfigParser(interpolation=None)
        parser.optionxform = str
        try:
            parser.read(path)
        except (ini_files.Error, OSError, UnicodeDecodeError) as error:
            warnings.warn(f"Cannot read the settings in {path}: {error}", TheanoConfigWarning, stacklevel=3)
            continue
        for section in parser.sections():
            prefix = "" if section == "global" else section + "."
            found.update({prefix + key: value for key, value in parser.items(section)})
    return found


THEANO_FLAGS = os.getenv("THEANO_FLAGS", "")
_from_flags = parse_config_string(THEANO_FLAGS)
_from_files = _read_files(config_files_from_theanorc())


def fetch_val_for_key(key: str, delete_key: bool = False) -> str:
    """The text that THEANO_FLAGS or a file gives for `key` ("section.option" or "option"). KeyError if none does."""
    for source in (_from_flags, _from_files):
        if key in source:
            return source.pop(key) if delete_key else source[key]
    raise KeyError(key)


# -- the settings themselves ------------------------------------------------------------------------------------------


class TheanoConfigParser:
    """`config` and its sections (`config.tensor`, ...): flags are attributes.

    Assigning a declared flag filters the value; assigning an unknown attribute just sets it.
    """

    # all declared flags by attribute name, and the dotted prefix of this section
    _params: dict[str, ConfigParam]
    _prefix: str

    def __init__(self, prefix: str = "") -> None:
        object.__setattr__(self, "_params", {})
        object.__setattr__(self, "_prefix", prefix)

    def __getattr__(self, name: str) -> Any:  # only called when there is no such attribute
        raise AttributeError(f"config has no flag {self._prefix}{name}")

    def __setattr__(self, name: str, value: Any) -> None:
        param = self._params.get(name)
        if param is None:
            if isinstance(self.__dict__.get(name), TheanoConfigParser):
                raise AttributeError(f"config.{self._prefix}{name} is a section; assign to one of its flags")
            object.__setattr__(self, name, value)
            return
        if not param.allow_override:
            raise AttributeError(
                f"config.{param.fullname} cannot be changed after the import; "
                f"set it before, in THEANO_FLAGS={param.fullname}=... or in .theanorc."
            )
        self._set(name, param, param.filter(value))

    def _set(self, name: str, param: ConfigParam, value: Any) -> None:
        object.__setattr__(self, name, value)
        if param.on_change is not None:
            param.on_change(value)

    def _all_params(self) -> list[ConfigParam]:
        found = list(self._params.values())
        for value in self.__dict__.values():
            if isinstance(value, TheanoConfigParser):
                found += value._all_params()
        return found

    def __str__(self) -> str:
        lines = []
        for param in sorted(self._all_params(), key=lambda p: p.fullname):
            lines += [
                f"{param.fullname} ({param.kind()}{'' if param.allow_override else ', read-only'})",
                f"    Doc:  {param.doc}",
                f"    Value:  {_locate(param.fullname)}",
                "",
            ]
        return "\n".join(lines)

    def change_flags(self, args: Any = (), **flags: Any) -> change_flags:
        """Set flags for a while: see `theano.change_flags`."""
        return change_flags(args, **flags)


config = TheanoConfigParser()


def _locate(fullname: str) -> Any:
    section, name = _section_of(fullname)
    return getattr(section, name)


def _section_of(fullname: str) -> tuple[TheanoConfigParser, str]:
    *sections, name = fullname.split(".")
    section: Any = config
    for part in sections:
        section = getattr(section, part)
    return section, name


def AddConfigVar(
    name: str, doc: str, configparam: ConfigParam, root: TheanoConfigParser = config, in_c_key: bool = True
) -> None:
    """Declare the flag `name` (a dotted name makes sections). Its value is taken from the environment or files at
    once; ValueError when that is not valid, AttributeError when the flag exists."""
    section = root
    *parts, last = name.split(".")
    for part in parts:
        inner = section.__dict__.get(part)
        if not isinstance(inner, TheanoConfigParser):
            inner = TheanoConfigParser(f"{section._prefix}{part}.")
            object.__setattr__(section, part, inner)
        section = inner
    if last in section._params:
        raise AttributeError(f"The flag {section._prefix}{last} is declared already")
    configparam.fullname = section._prefix + last
    configparam.doc = doc
    configparam.in_c_key = in_c_key
    try:
        value = configparam.filter(fetch_val_for_key(configparam.fullname))
    except KeyError:
        value = configparam.first_value()
    section._params[last] = configparam
    section._set(last, configparam, value)


def get_config_hash() -> str:
    """A digest of the flags that were declared to change what is compiled (`in_c_key`)."""
    params = sorted((p for p in config._all_params() if p.in_c_key), key=lambda p: p.fullname)
    text = "\n".join(f"{p.fullname} = {_locate(p.fullname)}" for p in params)
    import hashlib  # loads OpenSSL, which no other part needs

    return hashlib.sha256(text.encode()).hexdigest()


class change_flags:
    """Set flags for the length of a `with` block or of a call of the decorated function.

    `with change_flags(floatX="float32"): ...`; dotted names as pairs or a dict:
    `change_flags([("traceback.limit", 0)])`, or with two underscores: `change_flags(traceback__limit=0)`.

    >>> import theano
    >>> with theano.change_flags(floatX="float32"):
    ...     theano.tensor.vector("v").dtype
    'float32'
    """

    def __init__(self, args: Mapping[str, Any] | Iterable[tuple[str, Any]] = (), **flags: Any) -> None:
        self._wanted = dict(args)
        self._wanted.update({name.replace("__", "."): value for name, value in flags.items()})
        for name in self._wanted:
            section, last = _section_of(name)
            if last not in section._params:
                raise AttributeError(f"config has no flag {name}")
        self._before: list[dict[str, Any]] = []

    def __enter__(self) -> None:
        before: dict[str, Any] = {}
        self._before.append(before)
        try:
            for name, value in self._wanted.items():
                section, last = _section_of(name)
                old = getattr(section, last)
                setattr(section, last, value)
                before[name] = old
        except BaseException:
            self.__exit__()
            raise

    def __exit__(self, *exception: object) -> None:
        for name, value in self._before.pop().items():
            section, last = _section_of(name)
            section._set(last, section._params[last], value)

    def __call__(self, function: _F) -> _F:
        @wraps(function)
        def with_flags(*args: Any, **kwargs: Any) -> Any:
            with change_flags(self._wanted):
                return function(*args, **kwargs)

        return with_flags  # type: ignore[return-value]
