"""Frozen data and arithmetic; standard library only."""
