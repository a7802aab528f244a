"""Deliver canonical commands to target systems, each once, in order, and know what became of every one of them."""
