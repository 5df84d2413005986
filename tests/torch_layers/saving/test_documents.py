"""JSON that no config is."""

from __future__ import annotations

import json
from typing import Any

import pytest

from torch_layers.saving.documents import read_json
from torch_layers.saving.errors import FileError


@pytest.mark.parametrize("innermost", [[], [1, 2], [{}], {}, {"a": 1}])
@pytest.mark.parametrize("is_list", [True, False])
def test_so_many_levels_and_no_more(innermost: Any, is_list: bool) -> None:
    levels = 2 if innermost == [{}] else 1

    def nested(depth: int) -> str:
        found = innermost
        for level in range(depth - levels):
            # The outermost is an object.
            found = [found] if is_list and level < depth - levels - 1 else {"a": found}
        return json.dumps(found)

    assert read_json(nested(200), "config") == json.loads(nested(200))
    with pytest.raises(FileError, match="config: the JSON is nested more than 200 levels deep"):
        read_json(nested(201), "config")
