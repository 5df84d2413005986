"""Resizing and CenterCrop of a dict: what is left alone, refusals, tools; numbers are in parity/cases/resizing_dicts.py."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from torch_layers import CenterCrop, Resizing
from torch_layers.layers.preprocessing.bounding_boxes import FORMATS, from_corners, to_corners

X = torch.arange(2.0 * 5 * 6 * 3).reshape(2, 5, 6, 3)
BOXES = {"boxes": torch.tensor([[[1.0, 1.0, 4.0, 3.0]], [[0.0, 0.0, 6.0, 5.0]]]), "labels": torch.tensor([[3], [4]])}
both = pytest.mark.parametrize("cls", [Resizing, CenterCrop])


def everything() -> dict[str, Any]:
    return {
        "images": X,
        "labels": torch.tensor([1, 2]),
        "segmentation_masks": torch.ones(2, 5, 6, 1),
        "bounding_boxes": BOXES,
        "name": "two",
    }


@both
def test_the_dict_that_was_given_stays_as_it_is(cls: Any) -> None:
    data = everything()
    found = cls(2, 3, bounding_box_format="xyxy")(data)
    assert data["images"] is X
    assert data["bounding_boxes"]["boxes"].shape == (2, 1, 4)
    assert found["name"] == "two"
    assert torch.equal(found["images"], cls(2, 3)(X))
    assert found["labels"].dtype is torch.int64


def test_boxes_move_as_their_pixels_do() -> None:
    found = Resizing(10, 3, bounding_box_format="xyxy")({"images": X, "bounding_boxes": BOXES})["bounding_boxes"]
    assert found["boxes"].tolist() == [[[0.5, 2.0, 2.0, 6.0]], [[0.0, 0.0, 3.0, 10.0]]]
    found = CenterCrop(3, 2, bounding_box_format="xyxy")({"images": X, "bounding_boxes": BOXES})["bounding_boxes"]
    assert found["boxes"].tolist() == [[[0.0, 0.0, 2.0, 2.0]], [[0.0, 0.0, 2.0, 3.0]]]
    assert found["labels"].tolist() == [[3], [4]]


@pytest.mark.parametrize("form", FORMATS)
def test_a_way_to_write_boxes_loses_nothing(form: str) -> None:
    corners = torch.tensor([[1.0, 2.0, 4.0, 9.0]])
    written = from_corners(corners, form, 12, 8)
    assert (form == "xyxy") == torch.equal(written, corners)
    torch.testing.assert_close(to_corners(written, form, 12, 8), corners)


@both
def test_arrays_are_taken_and_the_call_compiles(cls: Any) -> None:
    layer = cls(2, 3, bounding_box_format="xywh")
    data = {"images": X.numpy(), "bounding_boxes": {k: v.numpy() for k, v in BOXES.items()}, "labels": np.array([1, 2])}
    eager = layer(data)
    torch._dynamo.reset()
    compiled = torch.compile(layer, fullgraph=True, backend="eager")(
        {"images": X, "bounding_boxes": BOXES, "labels": torch.tensor([1, 2])}
    )
    assert torch.equal(eager["images"], compiled["images"])
    assert torch.equal(eager["bounding_boxes"]["boxes"], compiled["bounding_boxes"]["boxes"])


@pytest.mark.parametrize(
    ("form", "data", "message"),
    [
        (None, {"labels": X}, r"input is a dict of \['labels'\], allowed is one with a tensor of \"images\""),
        (None, {"images": [[1.0]]}, r"input is a dict of \['images'\], allowed is one with a tensor of \"images\""),
        (None, {"images": X[0, 0]}, r"input of shape \(6, 3\) has rank 2, allowed is 3 to 4"),
        (
            None,
            {"images": X, "segmentation_masks": X[0]},
            r"segmentation_masks of shape \(5, 6, 3\), allowed is a tensor",
        ),
        (
            None,
            {"images": X, "bounding_boxes": BOXES},
            "bounding_box_format=None with bounding_boxes, allowed is one of",
        ),
        (
            "rel_xyxz",
            {"images": X, "bounding_boxes": BOXES},
            r"bounding_box_format='rel_xyxz' .*\(did you mean 'rel_",
        ),
        ("xyxy", {"images": X, "bounding_boxes": X}, 'bounding_boxes is no dict, allowed is a dict of "boxes" and'),
        ("xyxy", {"images": X, "bounding_boxes": {"boxes": X}}, r"bounding_boxes is of \['boxes'\], allowed is a dict"),
        (
            "xyxy",
            {"images": X[0], "bounding_boxes": BOXES},
            r"boxes of shape \(2, 1, 4\), allowed is a tensor of rank 2",
        ),
        (
            "xyxy",
            {"images": X, "bounding_boxes": {"boxes": [[[1, 2, 3, 4]]], "labels": [[1]]}},
            "allowed is a tensor of",
        ),
        ("xyxy", {"images": X, "bounding_boxes": {**BOXES, "labels": X[0, 0, 0]}}, "allowed is one for each"),
    ],
)
@both
def test_refuses_in_one_sentence(cls: Any, form: str | None, data: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"{cls.__name__}: .*{message}"):
        cls(2, 3, bounding_box_format=form)(data)
