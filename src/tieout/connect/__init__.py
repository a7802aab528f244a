"""What a connector is: its contract, the parts it is built from, and the suite that proves it."""
