"""Tieout keeps the systems of a professional-services firm in agreement, and proves it to the cent."""

__version__ = "0.1.0"
