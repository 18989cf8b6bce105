"""Which migrations a release has: known without the tool that runs them."""

from pathlib import Path


def newest(service: str) -> str:
    """The newest revision that this release has for the database of a service package."""
    versions = Path(__file__).parents[2] / "services" / service / "migrations" / "versions"
    return max(file.name.partition("_")[0] for file in versions.glob("[0-9]*_*.py"))
