"""theano.updates: old import path of OrderedUpdates."""

from __future__ import annotations

from theano.compile.updates import OrderedUpdates as OrderedUpdates
