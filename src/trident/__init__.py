"""Trident: install and service Linux systems from one declarative file."""

__version__ = "0.1.0"
