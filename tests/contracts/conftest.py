"""What contracts of several families share."""

import pytest


@pytest.fixture(autouse=True)
def _plain_vectorbt(request: pytest.FixtureRequest) -> None:
    """Import vectorbt as the rest of its worker has it, before a simulator does."""
    given = getattr(request.node, "callspec", None)
    if given is not None and "vectorbt" in given.params.values():
        request.getfixturevalue("vectorbt")
