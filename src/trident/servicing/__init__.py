"""The verbs, one file each: gather facts, select the servicing type, compile the plan, execute, record."""
