"""The plan is data: steps, the situation they are compiled from, the session they run in."""
