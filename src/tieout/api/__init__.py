"""The door for programs: HTTP in, stored messages out; answered when durable."""
