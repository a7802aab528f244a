"""Measures what the product promises of speed and memory, as ratios within one run (`make bench`)."""
