"""One module a verb, each with ``run(options) -> exit code``; loaded only when its verb is asked for."""
