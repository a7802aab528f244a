"""Connector to any simple REST system: a definition in TOML says what there is to read and write, and how."""
