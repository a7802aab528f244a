"""The canonical data model: pure values with their invariants; no I/O, no clock, no randomness."""
