"""The partner desk at the telephone (SPEC S3, S16 to S18)."""

from flask import Flask

from web.desk.pages import blueprint


def register(app: Flask) -> None:
    app.register_blueprint(blueprint)
