"""``trident diagnose``: what explains a host, in one archive that can be handed on."""
