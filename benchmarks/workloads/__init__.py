"""What is timed beside other systems: one module a workload.

A module has `inputs() -> dict of arrays` and, for every system that can do it, a function of that name which takes the
arrays and returns a callable that makes one call and returns its results as a list of arrays (or numbers), as many and
in the same order for every system. `REFERENCE` names the system whose results the others are compared with ("": random
numbers are not), `TOLERANCE` how close they must be, relative to the largest element. `BARS` maps a system (or "best")
to the largest ratio, ours to its time, that the project asks of itself.
"""
