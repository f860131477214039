"""Tests mirror the tree; fixtures stand in `tests.fixtures`."""
