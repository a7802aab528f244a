"""One package per system, found by its entry point and never imported by name."""
