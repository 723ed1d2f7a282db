"""What a servicing might leave behind in a machine: all that it mounts, maps or holds while it runs."""

from __future__ import annotations

# The loop devices of merged extensions are systemd's.
LEFTOVERS = r"""
findmnt --noheadings --list --output TARGET | grep '^/run/trident' | sed 's/^/mounted: /'
losetup --noheadings --list --output NAME,BACK-FILE | grep -v ' /var/lib/[a-z-]*\(extensions\|confexts\)/' |
    sed 's/^/loop device: /'
ls /sys/block | grep '^dm-' | sed 's/^/mapping: /'
[ ! -e /run/trident/lock ] || flock --nonblock /run/trident/lock true || echo 'the lock is held'
"""
"""A shell script that prints a line for each thing that is there and should not be once nothing runs."""
