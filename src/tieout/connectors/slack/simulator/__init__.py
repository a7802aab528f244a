"""A local server of the part of Slack's Web API that notices need, as its documentation describes it.

Claims made with it read "tested against a simulator of the public API". It imports neither the hub's model nor the
connector's mapping.
"""

from tieout.connectors.slack.simulator.workspace import SlackSimulator

SIMULATOR = SlackSimulator

__all__ = ["SIMULATOR"]
