"""Tests here use the checks of the contract tests (`agreement`)."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "contract"))
