"""Public ids from the machine's clock and randomness."""

from uuid import UUID

import uuid_utils.compat


class SystemIds:
    """Makes UUIDv7."""

    def new_id(self) -> UUID:
        """A new id, later ones sorting after earlier ones."""
        return uuid_utils.compat.uuid7()
