"""Queries that return values; every one goes through an organisation's scope."""
