"""Measurements beside peers. They print tables and leave nothing behind."""
