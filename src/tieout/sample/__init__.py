"""The sample firm and its usual mess: fills simulators or a real ERP, never the hub's own tables."""
