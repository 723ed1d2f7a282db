"""Fuzzing guided by coverage, and the corpus that the tests replay without it. CONTRIBUTING.md says how."""
