from __future__ import annotations

from collections.abc import Iterator

import pytest

from .servers import Script


@pytest.fixture
def script() -> Iterator[Script]:
    made = Script()
    yield made
    made.stop()
