"""The log level below debug, as upstream's log has one: what programs print, how far each transfer is."""

from __future__ import annotations

import logging

TRACE = 5

logging.addLevelName(TRACE, "TRACE")
