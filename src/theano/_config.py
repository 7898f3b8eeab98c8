"""Settings (minimal form; the configuration engineer replaces this file)."""


class _Config:
    floatX = "float64"
    cast_policy = "custom"


config = _Config()
