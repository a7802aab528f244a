"""Connector to BambooHR, with a simulator of its public API."""
