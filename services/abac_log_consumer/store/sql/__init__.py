"""Statements too large to read well as expressions: a file each, loaded by name."""

from importlib.resources import files


def load(name: str) -> str:
    """The text of `<name>.sql` beside this module."""
    return files(__name__).joinpath(f"{name}.sql").read_text()
