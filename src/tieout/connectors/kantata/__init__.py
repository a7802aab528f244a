"""Kantata OX (formerly Mavenlink): the PSA that time, projects, people and rate cards are read from."""
