"""What pages read: small statements over state tables and roll-ups, never over all entries; no writing."""
