"""Example programs as modules."""

import importlib.util
import sys
from pathlib import Path

import pytest
from threadpoolctl import threadpool_limits

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@pytest.fixture(scope="session")
def example():
    """A function: the module that an example program is, by its name."""
    loaded = {}

    def load(name):
        if name not in loaded:
            specification = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
            module = importlib.util.module_from_spec(specification)
            sys.modules[name] = module  # dataclasses look their module up
            specification.loader.exec_module(module)
            loaded[name] = module
        return loaded[name]

    return load


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    """Several test processes share a machine: threads that wait for each other take longer than one alone."""
    with threadpool_limits(limits=1):
        yield


@pytest.fixture
def is_picture():
    """A function: was a picture written there?"""
    return lambda path: path.read_bytes().startswith(b"\x89PNG")
