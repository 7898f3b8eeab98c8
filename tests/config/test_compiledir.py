"""Where machine code is kept: the settings compiledir, base_compiledir and compiledir_format."""

import os
import subprocess
import sys

import pytest


def compiledir(**flags):
    env = {**os.environ, "THEANO_FLAGS": ",".join(f"{k}={v}" for k, v in flags.items()), "HOME": "/somewhere"}
    code = "import theano; print(theano.config.compiledir)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env)
    assert done.stderr == ""
    return done.stdout.strip()


@pytest.mark.skipif(os.name == "nt", reason="HOME is another variable there")
def test_in_the_home_directory():
    assert compiledir() == os.path.join("/somewhere", ".theano", "compiledir")
    assert compiledir(compiledir="~/code") == "/somewhere/code"


def test_from_its_parts():
    version = ".".join(map(str, sys.version_info[:3]))
    found = compiledir(base_compiledir="/base", compiledir_format="for_%(python_version)s-%(python_bitwidth)s-%(gxx)s")
    assert found == os.path.join("/base", f"for_{version}-64-")
    assert compiledir(base_compiledir="/base", compiledir="/chosen") == "/chosen"
