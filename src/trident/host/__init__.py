"""The back door: the only room that starts processes, opens block devices, mounts, or touches firmware."""
