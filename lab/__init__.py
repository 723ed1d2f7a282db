"""Virtual machines with real UEFI firmware: for the demo, the end-to-end tests and rehearsals.

Beside the house, not in it: nothing under ``src/`` imports this package, and it is not shipped.
"""
