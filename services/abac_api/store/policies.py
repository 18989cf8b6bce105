"""The policy files, as they lie in a directory."""

from pathlib import Path

from services.abac_api.domain.policies import SCHEMA

OURS = Path(__file__).parent.parent / "policies"


def read(directory: Path = OURS) -> dict[str, str]:
    """The policies of a directory and their schema, by file name.

    A directory of candidates without a schema is read with ours.
    """
    files = {path.name: path.read_text() for path in sorted(directory.glob("*.cedar"))}
    schema = directory / SCHEMA
    files[SCHEMA] = (schema if schema.exists() else OURS / SCHEMA).read_text()
    return files
