"""``python -m trident.config.reference FOLDER`` writes the reference pages; ``./dev docs`` calls it."""

import sys
from pathlib import Path

from trident.config.reference.pages import write

if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m trident.config.reference FOLDER")
    write(Path(sys.argv[1]))
