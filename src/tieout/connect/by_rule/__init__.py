"""Items and values turned by rules that an administrator states, for connectors that are configured."""
