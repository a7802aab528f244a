"""A mail server of its own that speaks SMTP with STARTTLS and AUTH, and keeps what it takes.

Claims made with it read "tested against a simulator of the public API". It imports neither the hub's model nor the
connector's mapping.
"""

from tieout.connectors.email.simulator.post_office import EmailSimulator

SIMULATOR = EmailSimulator

__all__ = ["SIMULATOR"]
