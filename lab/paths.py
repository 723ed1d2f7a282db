"""Where the lab keeps things. Everything lies under ``build/``, so ``./dev clean`` removes all of it."""

from __future__ import annotations

import os
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
BUILD = Path(os.environ.get("TRIDENT_BUILD_DIR", PROJECT / "build"))
CACHE = BUILD / "cache"
MACHINES = BUILD / "machines"
