"""theano.configparser: the public names of the settings machinery. The code is in `_config.py`."""

from __future__ import annotations

from theano._config import THEANO_FLAGS as THEANO_FLAGS
from theano._config import AddConfigVar as AddConfigVar
from theano._config import BoolParam as BoolParam
from theano._config import ConfigParam as ConfigParam
from theano._config import EnumStr as EnumStr
from theano._config import FloatParam as FloatParam
from theano._config import IntParam as IntParam
from theano._config import StrParam as StrParam
from theano._config import TheanoConfigParser as TheanoConfigParser
from theano._config import TheanoConfigWarning as TheanoConfigWarning
from theano._config import TypedParam as TypedParam
from theano._config import change_flags as change_flags
from theano._config import config as config
from theano._config import config_files_from_theanorc as config_files_from_theanorc
from theano._config import fetch_val_for_key as fetch_val_for_key
from theano._config import get_config_hash as get_config_hash
from theano._config import parse_config_string as parse_config_string
