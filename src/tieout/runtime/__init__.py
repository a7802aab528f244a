"""The only place where parts are wired together: settings, the firm directory, steps, workers, the hub."""
