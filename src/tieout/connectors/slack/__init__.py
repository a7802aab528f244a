"""Slack: notices into channels of a workspace, by the Web API."""
