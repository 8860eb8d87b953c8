"""In these tests the pairs of the fabricated records have source code."""

import pytest


@pytest.fixture(scope="module", autouse=True)
def known_pairs(fabricated):
    with fabricated.known():
        yield
