"""theano.scan_module.scan_op: import path of the op."""

from __future__ import annotations

from theano.loops.scan_layout import ScanLayout as ScanLayout
from theano.loops.scan_op import Scan as Scan
