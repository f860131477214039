"""A whole installation, as the kill tests run it."""

from tests.kill.conftest import running

__all__ = ["running"]
