"""theano.configparser: the public names of the settings machinery. The code is in `_settings.py`."""

from __future__ import annotations

from theano._config import change_flags as change_flags
from theano._config import config as config
from theano._settings import THEANO_FLAGS as THEANO_FLAGS
from theano._settings import AddConfigVar as AddConfigVar
from theano._settings import BoolParam as BoolParam
from theano._settings import ConfigParam as ConfigParam
from theano._settings import EnumStr as EnumStr
from theano._settings import FloatParam as FloatParam
from theano._settings import IntParam as IntParam
from theano._settings import StrParam as StrParam
from theano._settings import TheanoConfigParser as TheanoConfigParser
from theano._settings import TheanoConfigWarning as TheanoConfigWarning
from theano._settings import TypedParam as TypedParam
from theano._settings import config_files_from_theanorc as config_files_from_theanorc
from theano._settings import fetch_val_for_key as fetch_val_for_key
from theano._settings import get_config_hash as get_config_hash
from theano._settings import parse_config_string as parse_config_string
