"""Plan to allocate: bookings and absences become forecast, capacity and burn, and demand reaches the planners."""
