"""Network settings (``os.netplan``, ``managementOs.netplan``): what is refused, and what netplan will refuse.

Upstream parses them with the crate netplan-types 0.5.0, writes what it understood, and drops the rest.
Trident judges them as that crate does, key by key, and hands them to netplan as they were written.  What
netplan itself is going to refuse is a warning.

- ``kinds``: what may stand at a key;
- ``settings``, ``devices``: the keys, as tables;
- ``formats``: addresses and the like, for netplan;
- ``crate``, ``program``: the two readers, upstream's crate and netplan;
- ``notes``: what they find; ``judge``: the door.

Nothing here is imported for a configuration without network settings.
"""
