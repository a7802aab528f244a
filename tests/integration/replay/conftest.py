"""Books over a database of their own, for replays."""

from tests.integration.reconciliation.conftest import books

__all__ = ["books"]
