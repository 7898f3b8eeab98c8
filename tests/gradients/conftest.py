"""Tests here use the cases of the contract tests (`op_case` and its tables)."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "contract"))
