"""What to do about a broken rule, by its code, where the rule alone does not say it."""

from __future__ import annotations

ADVICE: dict[str, str] = {
    "duplicate-device-id": "Rename one of the two, and the references that mean it.",
    "disk-path-not-absolute": (
        "Write the whole path; 'ls -l /dev/disk/by-path/' on the machine shows stable ones."
    ),
    "adopted-partition-criterion": "Keep 'matchUuid' if you know it, for labels need not be unique.",
    "unique-field-constraint-error": (
        "Change one of the two values, or leave it out where it can be generated."
    ),
    "non-existent-reference": "Correct the id, or define the device that has it.",
    "invalid-reference-kind": "Name a device of a kind with 'yes' in the table below.",
    "duplicate-target-id": "Name a second device; it needs an id of its own.",
    "invalid-target-count": "Add a partition of another disk to the array, or drop the array.",
    "referrer-forbidden-sharing": (
        "Give each its own device, or remove the one that is left over from an edit."
    ),
    "reference-kind-mismatch": "Build both halves alike: two partitions, or two arrays.",
    "invalid-raidlevel": (
        "Use 'raid1' below the ESP: the firmware reads one member as if it were a plain disk."
    ),
    "partition-size-not-fixed": (
        "Write a size in place of 'grow', the same for each; let another partition grow."
    ),
    "partition-size-mismatch": "Give them the size of the larger one.",
    "partition-label-too-long": "Shorten the label; if none is written, the id is the label.",
    "partition-type-mismatch": "Give the partitions one type.",
    "invalid-partition-type": "Change the type of the partition to one that the table below allows.",
    "invalid-verity-hash-partition-type": "Give the hashes the type that the table below names for the data.",
    "unusual-mount-path": (
        "Change the type to 'linux-generic' if the path is right: others may look for the type."
    ),
    "storage-missing": (
        "Add 'storage' for an install; an update may leave it out and keeps what the host has."
    ),
    "filesystem-type-with-image": "Remove 'type', or write 'source: new' for an empty file system.",
    "filesystem-type-with-source": (
        "Remove 'type': a new file system is 'ext4' then, an adopted one is detected."
    ),
    "filesystem-esp-without-mount-point": "Add 'mountPoint', usually '/boot/efi'.",
    "filesystem-missing-block-device-id": "Add 'deviceId' with the id of a partition, an array or a volume.",
    "filesystem-unexpected-block-device-id": (
        "Remove 'deviceId', or change the type if it shall be on a disk."
    ),
    "filesystem-missing-mount-point": "Add 'mountPoint': a 'tmpfs' that is not mounted does not exist.",
    "mount-point-path-not-absolute": "Begin the path with '/'.",
    "mount-point-path-climbs": "Write the path that is meant, without '..'.",
    "duplicate-mount-point": "Mount one of them elsewhere, or remove it.",
    "filesystem-esp-multiple": (
        "Write 'overrideEspMount: block' on what is mounted at '/boot/efi' and is no ESP."
    ),
    "esp-mount-point-not-found": (
        "Mount the file system of the ESP at '/boot/efi', or say 'overrideEspMount: override'."
    ),
    "expected-mount-point-not-found": "Add a file system with 'mountPoint: /'.",
    "mount-point-not-backed-by-image": "Remove 'source': these two always come from the image.",
    "var-tmp-on-read-only-volume": (
        "Give '/var/tmp' or '/var' a file system of its own that is not mounted 'ro'."
    ),
    "invalid-encryption-recovery-key-url-scheme": "Put the key into a file on the servicing OS and name it.",
    "unsupported-encryption-pcrs": (
        "Use 7 for an image that boots by GRUB; 4, 7 and 11 for one that boots a UKI."
    ),
    "unsupported-verity-devices": "Keep the one for '/', or the one for '/usr'.",
    "verity-device-without-filesystem": (
        "Let a file system name the verity device, rather than the partition below."
    ),
    "verity-filesystem-without-mount-point": "Add 'mountPoint' with '/' or '/usr'.",
    "verity-mount-path": "Mount it at '/' or '/usr'; other file systems cannot be verified.",
    "verity-device-mounted-read-write": "Write 'mountPoint: {path: /, options: defaults,ro}'.",
    "verity-device-name-invalid": "Write 'name: root' for '/', 'name: usr' for '/usr'.",
    "verity-boot-missing": (
        "Add a partition for '/boot' with 'source: image': the kernel cannot be in a verified root."
    ),
    "overlay-on-read-only-volume": "Drop 'ro' from the file system that holds the path.",
    "mount-point-not-backed-by-block-device": (
        "Mount a file system on an A/B volume pair or a partition there."
    ),
    "mount-point-not-backed-by-ab-update-volume-pair": "Mount a file system on an A/B volume pair there.",
    "self-upgrade-on-read-only-root-verity-fs": "Remove 'selfUpgradeTrident'.",
    "selinux-with-root-verity": "Build the image with a UKI, or write 'selinux: {mode: disabled}'.",
    "datastore-path-invalid-extension": "Write for example '/var/lib/trident/datastore.sqlite'.",
    "datastore-path-not-in-known-volume": "Mount a file system on the path, or move the datastore.",
    "datastore-path-in-ab-update-volume": "Mount a partition of its own at '/var/lib/trident'.",
    "datastore-path-on-read-only-volume": (
        "Drop 'ro' from that file system, or mount another one at the path."
    ),
    "missing-os-image": "Add 'image' with 'url' and 'sha384' before you install or update.",
    "duplicate-usernames": "Merge the two, or rename one.",
    "invalid-username": "Use letters, digits, '-' and '_', beginning with a letter.",
    "ssh-keys-without-ssh-mode": "Write 'sshMode: key-only' beside the keys.",
    "additional-file-both-content-and-source": (
        "Keep 'content' for a few lines, 'source' for a file that exists."
    ),
    "additional-file-no-content-or-source": "Add 'content', which may be empty: \"\".",
    "additional-file-invalid-permissions": "Write it in quotes, such as '0644'.",
    "additional-file-destination-climbs": "Write the path that is meant, without '..'.",
    "invalid-hostname": "Use letters, digits and '-', with '.' between the parts.",
    "invalid-netplan-version": "Write 'version: 2' as the first line below 'netplan'.",
    "unsupported-netplan-renderer": "Remove 'renderer', or write 'renderer: networkd'.",
    "invalid-interface-name": "Choose a plain id and put the pattern into 'match: {name: …}'.",
    "duplicate-extension-image": "Remove one of the two.",
    "duplicate-extension-image-path": "Give one of the two another path.",
    "extension-image-invalid-file-extension": (
        "End the path in '.raw', after the name in its extension-release file."
    ),
    "extension-image-invalid-directory": (
        "Leave 'path' out, or name one of the directories that the message lists."
    ),
    "extension-image-not-on-ab-volume": (
        "Let the file system that holds the directory, often that of '/', be on a pair."
    ),
    "selinux-with-extensions": "Write 'selinux: {mode: disabled}', or do without extensions.",
    "datastore-path-climbs": "Write the path that is meant, without '..'.",
    "odd-disk-path": "Write the path that is meant, without '..'.",
    "odd-device-name": "Use letters, digits, '-' and '_'.",
    "odd-mount-path": "Write the path on one line, without control characters.",
    "odd-mount-options": "Put commas between the options, and no spaces.",
    "mount-path-of-the-kernel": "Mount the file system elsewhere.",
    "encryption-without-pcrs": "Write 'pcrs: [7]' and turn Secure Boot on.",
    "encryption-without-volumes": "Name a volume, or remove 'encryption'.",
    "too-few-raid6-devices": "Add partitions of other disks to the array, or choose 'raid1'.",
    "too-few-raid5-devices": "Add a partition of a third disk to the array, or choose 'raid1'.",
    "duplicate-additional-file": "Remove one of the two.",
    "service-enabled-and-disabled": "Remove it from 'enable' or from 'disable'.",
    "duplicate-management-os-usernames": "Merge the two, or rename one.",
    "script-content-or-path": (
        "Keep 'content' for a script written here, 'path' for a file of the servicing OS."
    ),
    "script-path-not-absolute": "Begin the path with '/'.",
    "script-never-runs": "Add 'runOn: [all]', or name clean-install, ab-update, runtime-update.",
}
