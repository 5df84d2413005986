"""Cases of Resizing and CenterCrop called with a dict: images, and the masks, boxes and labels that belong to them.

Keras computes boxes in float32 under every policy, so they are drawn in it.
"""

from __future__ import annotations

from typing import Any

from parity.case import Array, Case, integers, values

_FORMATS = ("xyxy", "yxyx", "xywh", "center_xywh", "center_yxhw", "rel_xyxy", "rel_yxyx", "rel_xywh", "rel_center_xywh")
_IMAGES, _ONE = (2, 7, 9, 3), (7, 9, 3)
# In pixels of images of 7 x 9, some outside; the same as shares.
_PIXELS = Array((2, 5, 4), "uniform", low=-2, high=9, dtype="float32")
_SHARES = Array((2, 5, 4), "uniform", low=-0.2, high=1.2, dtype="float32")
# A gradient through a centre is a sum of three, whose order float32's rounding shows: integers have none.
_WHOLE = {"center_xywh": integers(2, 5, 4, low=-2, high=9), "rel_center_xywh": integers(2, 5, 4, low=-1, high=3)}
_BOXES = {
    form: _WHOLE.get(form.replace("yxhw", "xywh"), _SHARES if form.startswith("rel") else _PIXELS) for form in _FORMATS
}
_SIZES = ((4, 5), (3, 8), (11, 5), (9, 12))


def _boxes(boxes: Array | tuple[int, ...], *shape: int) -> dict[str, Any]:
    return {"boxes": boxes, "labels": integers(*shape, high=9)}


def _case(name: str, data: Any, height: int = 4, width: int = 5, **more: Any) -> Case:
    said = {key: more.pop(key) for key in ("raises", "why", "dtype") if key in more}
    return Case(name, {"height": height, "width": width, **more}, [data], **said)


_REFUSED: tuple[tuple[Any, dict[str, Any]], ...] = (
    ({"labels": (2,)}, {}),
    ({"images": (7, 9)}, {}),
    ({"images": _ONE, "segmentation_masks": (7, 9)}, {}),
    ({"images": _IMAGES, "bounding_boxes": _boxes(_PIXELS, 2, 5)}, {}),
    ({"images": _IMAGES, "bounding_boxes": _boxes(_PIXELS, 2, 5)}, {"bounding_box_format": "xyzw"}),
    ({"images": _IMAGES, "bounding_boxes": {"boxes": _PIXELS}}, {"bounding_box_format": "xyxy"}),
    ({"images": _IMAGES, "bounding_boxes": (2, 5, 4)}, {"bounding_box_format": "xyxy"}),
    ({"images": _IMAGES, "bounding_boxes": _boxes((2, 5, 5), 2, 5)}, {"bounding_box_format": "xyxy"}),
)

_BOTH = [
    case
    for name in ("Resizing", "CenterCrop")
    for case in (
        _case(
            name,
            {
                "images": _IMAGES,
                "labels": integers(2, high=9),
                "segmentation_masks": integers(2, 7, 9, 1, high=5, dtype="uint8"),
                "bounding_boxes": _boxes(_PIXELS, 2, 5),
                "weights": (2,),
            },
            bounding_box_format="xyxy",
            why="everything at once, and what Keras doesn't know stays",
        ),
        _case(name, {"images": _IMAGES}),
        _case(name, {"images": _ONE, "labels": integers(high=9)}, why="one image"),
        _case(name, {"images": integers(*_IMAGES, high=256, dtype="uint8"), "labels": integers(2, high=9)}),
        _case(name, {"images": _IMAGES, "labels": (2, 4)}, dtype="float16", why="floats are cast to the compute dtype"),
        _case(name, {"images": _ONE, "segmentation_masks": integers(7, 9, 1, high=5)}),
        _case(name, {"images": (2, 3, 7, 9), "segmentation_masks": (2, 2, 7, 9)}, data_format="channels_first"),
        _case(name, {"images": _IMAGES, "segmentation_masks": integers(2, 7, 9, 1, high=5)}, 11, 5),
        *(
            _case(
                name,
                {"images": _IMAGES, "bounding_boxes": _boxes(_BOXES[form], 2, 5)},
                *size,
                bounding_box_format=form,
            )
            for form in _FORMATS
            for size in _SIZES
        ),
        _case(
            name,
            {"images": _ONE, "bounding_boxes": _boxes(Array((5, 4), "uniform", low=-2, high=9, dtype="float32"), 5)},
            bounding_box_format="XYXY",
            why="in capitals, of one image",
        ),
        _case(
            name,
            {"images": (2, 3, 7, 9), "bounding_boxes": _boxes(_PIXELS, 2, 5)},
            bounding_box_format="xyxy",
            data_format="channels_first",
        ),
        _case(
            name,
            {"images": _IMAGES, "bounding_boxes": _boxes(integers(2, 3, 4, low=-2, high=12), 2, 3)},
            bounding_box_format="xywh",
            why="integers give float32",
        ),
        _case(
            name,
            {"images": (0, 7, 9, 3), "bounding_boxes": _boxes(Array((0, 2, 4), dtype="float32"), 0, 2)},
            bounding_box_format="xyxy",
        ),
        _case(
            name,
            {
                "images": (1, *_ONE),
                "bounding_boxes": _boxes(
                    values([[[-1, -1, -1, -1], [0, 0, 0, 0], [1, 2, 4, 6], [-3, -3, 2, 1]]], "float32"), 1, 4
                ),
            },
            bounding_box_format="xywh",
            why="boxes that only fill up the batch, and one outside of the image",
        ),
        *(_case(name, data, raises=True, **more) for data, more in _REFUSED),
        _case(name, [_IMAGES, _IMAGES], raises=True),
    )
]

_ASPECT = [
    _case(
        "Resizing",
        {"images": images, "bounding_boxes": _boxes(_PIXELS, 2, 5), "segmentation_masks": masks},
        *size,
        bounding_box_format="xyxy",
        crop_to_aspect_ratio=keep == "crop",
        pad_to_aspect_ratio=keep == "pad",
    )
    for keep in ("crop", "pad")
    for images, masks in (((2, 7, 9, 3), (2, 7, 9, 1)), ((2, 8, 5, 3), (2, 8, 5, 1)), ((2, 6, 6, 3), (2, 6, 6, 2)))
    for size in (*_SIZES, (5, 3), (4, 4))
]

CASES = [*_BOTH, *_ASPECT]
