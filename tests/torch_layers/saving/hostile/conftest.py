"""The process that loads files under watch: one for all tests, as it learns for seconds what honest files do."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.torch_layers.saving.hostile import watching


@pytest.fixture(scope="session")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[watching.Watched]:
    with watching.Watched(tmp_path_factory.mktemp("learned")) as process:
        yield process
