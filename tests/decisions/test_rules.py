"""The scenarios of the rules: features/*.feature, a file a rule."""

from pathlib import Path

from pytest_bdd import scenarios

from services.abac_api.domain.policies import Policies

_FEATURES = Path(__file__).parent / "features"

scenarios(str(_FEATURES))


def test_every_rule_has_scenarios_that_permit_and_that_refuse(policies: Policies) -> None:
    for rule in policies.rules:
        text = (_FEATURES / f"{rule}.feature").read_text()
        assert f"it is permitted by {rule}" in text, rule
        assert "it is refused as no_rule_matched" in text, rule
