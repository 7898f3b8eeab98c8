"""Door: pickles in a zip archive, under the original's path. The code is in `theano.compile.pkl_utils`."""

from __future__ import annotations

from theano.compile.pkl_utils import DEFAULT_PROTOCOL as DEFAULT_PROTOCOL
from theano.compile.pkl_utils import PersistentNdarrayID as PersistentNdarrayID
from theano.compile.pkl_utils import PersistentNdarrayLoad as PersistentNdarrayLoad
from theano.compile.pkl_utils import PersistentSharedVariableID as PersistentSharedVariableID
from theano.compile.pkl_utils import StripPickler as StripPickler
from theano.compile.pkl_utils import dump as dump
from theano.compile.pkl_utils import load as load
from theano.compile.pkl_utils import zipadd as zipadd
