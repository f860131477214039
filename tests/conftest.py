"""Fixtures that every test may ask for: real servers, a migrated database per test, a mail server, a browser."""

pytest_plugins = [
    "tests.fixtures.pace",
    "tests.fixtures.servers",
    "tests.fixtures.databases",
    "tests.fixtures.mail",
    "tests.fixtures.browser",
    "tests.fixtures.family",
    "tests.web.feed_world",
]
