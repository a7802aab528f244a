"""Microsoft Teams: notices into a channel, by a workflow that posts what a webhook receives."""
