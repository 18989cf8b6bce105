"""What auth-web counts."""

from prometheus_client import CollectorRegistry, Counter


class Metrics:
    """Sign-ins by what came of each step; labels are closed lists of ours."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.steps = Counter(
            "mithril_sign_in_steps",
            "Forms of the sign-in pages, by form and outcome.",
            ["form", "outcome"],
            registry=registry,
        )
