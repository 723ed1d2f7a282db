"""The Host Configuration: reading it, its model, its rules. Pure: nothing here touches the machine."""
