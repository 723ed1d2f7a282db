"""Host Status and its transitions, the datastore, the journal and the lock."""
