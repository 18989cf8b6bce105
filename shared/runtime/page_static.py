"""Static files of pages: read once at start, addressed by their content, cached for good."""

import hashlib
import mimetypes
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web

from shared.wire.operations import Gives, operation

PREFIX = "/static/"
_FOREVER = "public, max-age=31536000, immutable"
_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    content: bytes = field(repr=False)
    content_type: str


class StaticFiles:
    """The files of some directories; a later directory wins over a former one.

    `only`: those of these names, where a directory has more than is needed.
    """

    def __init__(
        self, directories: Sequence[Path], *, only: Collection[str] | None = None
    ) -> None:
        self._urls: dict[str, str] = {}
        self._files: dict[str, _File] = {}
        for directory in directories:
            for path in sorted(directory.rglob("*")):
                if path.is_file() and (only is None or path.name in only):
                    self._add(directory, path)

    def url(self, name: str) -> str:
        """The address of a file. It changes with the content."""
        return self._urls[name]

    def text(self, name: str) -> str:
        """What a file says, for a page that has it within itself."""
        return self._files[self._urls[name].removeprefix(PREFIX)].content.decode()

    @operation(
        Gives(data=str, enveloped=False, media="text/javascript"),
        Gives(data=str, enveloped=False, media="text/css"),
        refuses=(404,),
    )
    async def get(self, request: web.Request) -> web.Response:
        """A file of a page; only names with the right mark of its content exist."""
        file = self._files.get(request.match_info["name"])
        if file is None:
            raise web.HTTPNotFound
        return web.Response(
            body=file.content,
            content_type=file.content_type,
            charset="utf-8" if file.content_type.startswith("text/") else None,
            headers={
                "Cache-Control": _FOREVER,
                "X-Content-Type-Options": "nosniff",
                "Cross-Origin-Resource-Policy": "same-origin",
            },
        )

    def _add(self, directory: Path, path: Path) -> None:
        content = path.read_bytes()
        mark = hashlib.sha256(content).hexdigest()[:12]
        relative = path.relative_to(directory)
        marked = relative.with_name(f"{relative.stem}.{mark}{relative.suffix}").as_posix()
        guessed = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        kind = _TYPES.get(path.suffix, guessed)
        self._urls[relative.as_posix()] = PREFIX + marked
        self._files[marked] = _File(content=content, content_type=kind)
