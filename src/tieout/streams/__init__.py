"""The process managers: each turns accepted facts of one value stream into what other systems must be told."""
