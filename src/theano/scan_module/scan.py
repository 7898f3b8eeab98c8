"""theano.scan_module.scan: import path of `scan`."""

from __future__ import annotations

from theano.loops.scan import scan as scan
