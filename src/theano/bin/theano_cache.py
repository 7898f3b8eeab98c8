"""The command `theano-cache`, also as `python -m theano.bin.theano_cache`: look after the machine code kept on disk."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

from theano._config import config
from theano.gof import compiledir

HELP = """\
theano-cache                         print the directory of the machine code that processes share
theano-cache list                    what is in it
theano-cache clear | purge           delete all of it
theano-cache cleanup                 delete what is damaged, left over, old, or too much
theano-cache unlock                  there is no lock: does nothing
theano-cache basecompiledir          print the directory that it lies in
theano-cache basecompiledir list     its directories of machine code
theano-cache basecompiledir purge    delete the machine code in all of them
theano-cache help                    this text

Settings (THEANO_FLAGS="name=value,..."): base_compiledir, compiledir, cache.enabled, cache.max_bytes."""


def _say(text: str) -> Callable[[], None]:
    return lambda: print(text)


def _actions() -> dict[tuple[str, ...], Callable[[], None]]:
    return {
        (): _say(config.compiledir),
        ("help",): _say(HELP),
        ("list",): compiledir.print_compiledir_content,
        ("clear",): compiledir.compiledir_purge,
        ("purge",): compiledir.compiledir_purge,
        ("cleanup",): compiledir.cleanup,
        ("unlock",): _say("There is no lock: processes share machine code without waiting for each other."),
        ("basecompiledir",): _say(config.base_compiledir),
        ("basecompiledir", "list"): compiledir.basecompiledir_ls,
        ("basecompiledir", "purge"): compiledir.basecompiledir_purge,
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the words of the command line ask for; the exit status: 0, or 2 if they ask for nothing that there is."""
    words = tuple(sys.argv[1:] if arguments is None else arguments)
    if words in (("-h",), ("--help",)):
        words = ("help",)
    action = _actions().get(words)
    if action is None:
        print(f"theano-cache does not know {' '.join(words)!r}.\n\n{HELP}", file=sys.stderr)
        return 2
    action()
    return 0


if __name__ == "__main__":
    sys.exit(main())
