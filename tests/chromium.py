"""Where the Chromium of this machine is."""

import os
import shutil

_NAMES = ("chromium", "chromium-browser", "google-chrome")


def chromium_path() -> str | None:
    """The one that `MITHRIL_TEST_CHROMIUM` names, else the first on the path."""
    named = os.environ.get("MITHRIL_TEST_CHROMIUM")
    return named or next(filter(None, map(shutil.which, _NAMES)), None)
