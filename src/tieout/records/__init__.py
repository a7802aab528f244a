"""Golden records: what all systems together say of each master, with history, cross-references and an event log."""
