"""The front door for people: words, progress and exit codes. No logic."""
