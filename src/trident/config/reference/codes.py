"""What the codes mean that reading gives: of texts that are no YAML, or no Host Configuration."""

from __future__ import annotations

READING_CODES: dict[str, str] = {
    "load-host-configuration-file": "The file cannot be opened or read.",
    "yaml-empty": "The file holds nothing but space and comments.",
    "yaml-too-large": "The file is larger than any Host Configuration can be.",
    "yaml-not-utf-8": "The text is not UTF-8.",
    "yaml-invalid-character": "The text has a character that YAML does not allow.",
    "yaml-byte-order-mark": "A byte order mark moves the first line to the right; elsewhere a warning.",
    "yaml-syntax": "This is no YAML: an indentation, a quote, a bracket, or a colon without a space.",
    "yaml-several-documents": "The file holds more than one document; a line '---' starts the next one.",
    "yaml-duplicate-key": "A key stands twice in one mapping.",
    "yaml-key-not-text": "A key is a list or a mapping.",
    "yaml-tag": "A tag does not fit its value; one that changes nothing is a warning.",
    "yaml-unknown-anchor": "An alias ('*name') stands before its anchor ('&name'), or has none.",
    "yaml-recursive-alias": "A value contains itself, by way of an alias.",
    "yaml-too-deep": "Lists and mappings are nested too deeply.",
    "yaml-too-many-values": "There are too many values, with aliases written out.",
    "unknown-field": "An object has a field that its kind of object does not have.",
    "missing-field": "An object lacks a field that is required.",
    "wrong-type": "Something else than the field can hold, such as a text where a list belongs.",
    "unknown-value": "A word that is not among those that the field can hold.",
    "invalid-value": "A value that is not spelt as the field's values are: a size, a UUID, a URL.",
    "netplan-unknown-key": (
        "Netplan does not know a key of the network settings: a warning. For one such key the netplan of the "
        "target OS refuses all settings, and the installation or update fails."
    ),
    "netplan-refuses": (
        "Netplan is going to refuse a value of the network settings: a warning. For one such value the "
        "netplan of the target OS refuses all settings, and the installation or update fails."
    ),
    "too-many-mistakes": "There are more than a thousand mistakes; those after them are only counted.",
}
