"""Who decides: the versions of the firm's configuration, who owns which field, and how new the reference is."""
