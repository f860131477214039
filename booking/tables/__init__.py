"""Typed declarative tables, no policy. Importing `booking.tables.registry` loads them all."""
