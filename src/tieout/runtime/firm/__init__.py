"""The firm directory, configuration as code: read, checked, applied as a numbered version."""
