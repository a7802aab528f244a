"""What a simulator is built from: durable state, seeded faults, and the server around a vendor's routes."""
