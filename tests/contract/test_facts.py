"""The page for those who feed abac-api says what abac-api takes."""

from dataclasses import fields
from pathlib import Path

import orjson
import pytest

from services.abac_api import fact_bodies
from services.abac_api.domain.records import Reason
from services.abac_api.domain.told import Kind
from services.abac_api.store.facts import columns_of
from shared.events.abac import FactUpserted

_ROOT = Path(__file__).parents[2]
_PAGE = (_ROOT / "docs" / "facts.md").read_text()


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_is_on_the_page_with_all_its_fields(kind: Kind) -> None:
    (row,) = [line for line in _PAGE.splitlines() if line.startswith(f"| `{kind}` |")]

    assert [name for name in columns_of(kind)[1:] if f"`{name}`" not in row] == []


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_to_put_a_record_aside_is_on_the_page(reason: Reason) -> None:
    assert f"`{reason}`" in _PAGE


def test_the_stored_sample_of_a_fact_is_one_that_is_kept() -> None:
    path = Path(__file__).parent / "samples" / f"{FactUpserted.type}.json"
    sample = orjson.loads(path.read_bytes())

    fact = fact_bodies.fact_of(Kind(sample["kind"]), sample["id"], sample["fact"])

    assert {field.name for field in fields(fact)} == {"id", *sample["fact"]}
