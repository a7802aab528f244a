"""Replay: stored entries judged again under a chosen version, first as a dry run, then for real by two people."""
