"""The proof against power loss: `./dev test powercut`.

A servicing runs once, in a machine whose every write is recorded (:mod:`lab.recording`). Each moment at which
the agent's journal came a line further, and some at random, are then looked at: the disk is put as it was
there, a machine is switched on with it, and must boot, tell the truth, and complete the same command.
"""
