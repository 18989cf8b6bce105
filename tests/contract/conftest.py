"""The manifests, for the tests that read them."""

import copy

import pytest

from k8s import rendering
from k8s.objects import Object


@pytest.fixture(scope="session")
def overlays() -> dict[str, list[Object]]:
    """Render each overlay once."""
    kustomize = rendering.find_kustomize()
    return {name: rendering.objects_of(name, kustomize) for name in rendering.OVERLAYS}


@pytest.fixture
def production(overlays: dict[str, list[Object]]) -> list[Object]:
    """Have objects of one's own to spoil."""
    return copy.deepcopy(overlays["production"])
