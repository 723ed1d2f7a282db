"""Benchmarks of the budgets that the design promises, always as ratios taken in one run."""
