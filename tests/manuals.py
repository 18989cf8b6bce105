"""The examples of a manual, to be run as they stand."""

import asyncio
import re
from pathlib import Path

from tests.integration.mithril_api.conftest import Api

_DOCS = Path(__file__).parents[1] / "docs"
_SERVER = "https://mithril.example"
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks(manual: str, language: str) -> list[str]:
    """The code of a manual in a language, block by block."""
    found = _BLOCK.findall((_DOCS / manual).read_text())
    return [code for kind, code in found if kind == language]


def commands(manual: str) -> list[str]:
    """The commands of a manual, each on one line."""
    text = "\n".join(blocks(manual, "console")).replace("\\\n", " ")
    return [line[2:] for line in text.splitlines() if line.startswith("$ ")]


async def run(*command: str, **environment: str) -> tuple[int, str]:
    """Run a command that sees nothing but `environment`; its status and what it said."""
    process = await asyncio.create_subprocess_exec(
        *command,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await process.communicate()
    return process.returncode or 0, out.decode()


def here(api: Api, code: str) -> str:
    """The code with this test's server in place of the manual's."""
    return code.replace(_SERVER, str(api.public.make_url("")).rstrip("/"))
