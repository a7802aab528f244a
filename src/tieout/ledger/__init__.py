"""What time is worth: rate lines, exchange rates, rating with its reasons, and the append-only actuals."""
