"""What programs read and do over the API, one module per resource; ``routes`` lists them for ``api.app``."""
