"""Cases of the core layers that have weights."""

from collections.abc import Iterator, Sequence
from typing import Any

from parity.case import Case, integers, mask, normal, uniform, values

_L1L2 = {"class_name": "L1L2", "config": {"l1": 0.01, "l2": 0.02}}
_ROWS = integers(2, 3, high=7)


def _weighted(name: str, weights: Sequence[str], config: dict[str, Any], inputs: Sequence[Any]) -> Iterator[Case]:
    """Yield what a layer takes for each of its weights."""
    for weight in weights:
        for initializer in ("ones", "he_normal", {"class_name": "Constant", "config": {"value": -0.5}}):
            yield Case(name, {**config, f"{weight}_initializer": initializer}, inputs)
        for regularizer in ("l1", "l2", _L1L2):
            yield Case(name, {**config, f"{weight}_regularizer": regularizer}, inputs)
        for constraint in ("non_neg", {"class_name": "MaxNorm", "config": {"max_value": 1.5, "axis": 0}}):
            yield Case(name, {**config, f"{weight}_constraint": constraint}, inputs)


_DENSE = [
    Case("Dense", {"units": 3}, [(2, 5)]),
    Case("Dense", {"units": 3, "activation": "relu"}, [(7, 5)]),
    Case("Dense", {"units": 3, "activation": "softmax"}, [(2, 4, 5)]),
    Case("Dense", {"units": 3, "activation": "linear"}, [(2, 5)]),
    Case("Dense", {"units": 4, "use_bias": False}, [(2, 3, 5)]),
    Case("Dense", {"units": 4, "use_bias": False, "activation": "tanh"}, [(6, 5)]),
    Case("Dense", {"units": 1}, [(1, 1)]),
    Case("Dense", {"units": 7}, [(2, 3, 4, 5)]),
    Case("Dense", {"units": 7}, [(2, 1, 3, 4, 5)]),
    Case("Dense", {"units": 3}, [(0, 5)], why="empty batch"),
    Case("Dense", {"units": 3}, [(2, 0, 5)], why="an empty axis"),
    Case("Dense", {"units": 4}, [integers(2, 3, high=9, low=-9)], why="integers are computed as floats"),
    Case("Dense", {"units": 4}, [integers(2, 3, high=200, dtype="uint8")]),
    Case("Dense", {"units": 4, "autocast": False}, [integers(2, 3, high=9, low=-9)], why="operands meet in one dtype"),
    Case("Dense", {"units": 4}, [mask(2, 3)], why="booleans are computed as floats"),
    Case("Dense", {"units": 4}, [normal(2, 300, scale=100.0)], why="long sums of large terms"),
    Case("Dense", {"units": 4}, [values([[float("inf"), 1.0], [0.0, float("nan")], [1e30, -1e-30]])]),
    Case("Dense", {"units": 4}, [(2, 3, 5)], masks=[mask(2, 3)], why="the mask goes on"),
    Case("Dense", {"units": 4, "dtype": "float16"}, [(2, 5)]),
    Case("Dense", {"units": 4, "dtype": "mixed_bfloat16"}, [(2, 5)]),
    Case("Dense", {"units": 4, "name": "mine", "trainable": False}, [(2, 5)], why="frozen: no gradient"),
    Case("Dense", {"units": 4, "trainable": False, "kernel_regularizer": "l2"}, [(2, 5)], why="frozen: no penalty"),
    Case("Dense", {"units": 4, "activity_regularizer": "l2"}, [(3, 5)]),
    Case("Dense", {"units": 4, "activity_regularizer": _L1L2, "activation": "relu"}, [(3, 2, 5)]),
    Case("Dense", {"units": 4, "activity_regularizer": "l1"}, [(0, 5)], why="nothing is divided by an empty batch"),
    *_weighted("Dense", ("kernel", "bias"), {"units": 4}, [(2, 5)]),
    Case("Dense", {"units": 4, "lora_rank": 2}, [(2, 5)]),
    Case("Dense", {"units": 4, "lora_rank": 2}, [(2, 5)], dtype="mixed_float16"),
    Case("Dense", {"units": 4, "lora_rank": 2}, [(2, 5)], dtype="bfloat16"),
    Case("Dense", {"units": 4, "lora_rank": 2, "lora_alpha": 3.0}, [(2, 3, 5)], why="Keras forgets lora_alpha"),
    Case("Dense", {"units": 4, "lora_rank": 1, "kernel_regularizer": "l2"}, [(2, 5)], why="both factors are penalized"),
    Case("Dense", {"units": 4, "lora_rank": 3, "trainable": False}, [(2, 5)]),
    Case("Dense", {"units": 4, "lora_alpha": 2.0}, [(2, 5)], why="without lora_rank it means nothing"),
    Case("Dense", {"units": 4, "quantization_config": None}, [(2, 5)]),
    Case("Dense", {"units": 4, "lora_rank": 2, "kernel_constraint": "non_neg"}, [(2, 5)], raises=True),
    Case("Dense", {"units": 4, "lora_rank": -1}, [(2, 5)], raises=True),
    Case("Dense", {"units": 4}, [(5,)], raises=True, why="rank 1"),
    Case("Dense", {"units": 4}, [()], raises=True),
    Case("Dense", {"units": 0}, [(2, 5)], raises=True),
    Case("Dense", {"units": 2.5}, [(2, 5)], raises=True),
    Case("Dense", {"units": 2, "activation": "rellu"}, [(2, 5)], raises=True),
    Case("Dense", {"units": 2, "kernel_initializer": "glorot"}, [(2, 5)], raises=True),
]


def _einsum(equation: str, output_shape: Any, *inputs: Any, why: str = "", **config: Any) -> Case:
    return Case("EinsumDense", {"equation": equation, "output_shape": output_shape, **config}, list(inputs), why=why)


_EINSUM = [
    _einsum("abc,cde->abde", (None, 4, 6), (2, 3, 5), bias_axes="de", why="the projections of attention"),
    _einsum("ab,bc->ac", 4, (2, 5)),
    _einsum("ab,bc->ac", 4, (2, 5), bias_axes="c", activation="relu"),
    _einsum("ab,cb->ac", 4, (2, 5), bias_axes="c", why="the kernel's new axis first"),
    _einsum("ab,bc->ca", (2,), (2, 5), why="the output shape's first axis is not the batch"),
    _einsum("abc,cd->abd", (None, 4), (2, 3, 5)),
    _einsum("abc,cd->abd", (3, 4), (2, 3, 5), bias_axes="d"),
    _einsum("abc,cd->abd", (3, 4), (2, 3, 5), bias_axes="b", why="a bias with an axis of 1 behind"),
    _einsum("abc,cd->abd", (3, 4), (2, 3, 5), bias_axes="bd"),
    _einsum("abc,cd->abd", [3, 4], (2, 3, 5), bias_axes="db", why="in any order"),
    _einsum("abc,dc->abd", (None, 4), (2, 3, 5)),
    _einsum("abc,cd->adb", (4, 3), (2, 3, 5), bias_axes="d", why="the new axis is not the last"),
    _einsum("abc,bcd->abd", (3, 4), (2, 3, 5), why="a kernel for each step"),
    _einsum("abc,bd->adc", (4, None), (2, 3, 5), bias_axes="d"),
    _einsum("abc,cd->ad", 4, (2, 3, 5), why="an axis that the kernel lacks is summed"),
    _einsum("abc,bcd->ad", 4, (2, 3, 5)),
    _einsum("abc,cbd->ad", 4, (2, 3, 5), why="two axes, crosswise"),
    _einsum("abc,cde->abde", (None, 4, 6), (2, 3, 5), bias_axes="d"),
    _einsum("abc,cde->abde", (None, 4, 6), (2, 3, 5), bias_axes="e"),
    _einsum("abc,cde->abed", (None, 6, 4), (2, 3, 5), bias_axes="de"),
    _einsum("abc,dec->abde", (None, 4, 6), (2, 3, 5), bias_axes="de"),
    _einsum("abc,dce->abde", (None, 4, 6), (2, 3, 5)),
    _einsum("abcd,cde->abe", (None, 6), (2, 3, 4, 5), bias_axes="e", why="the output of attention"),
    _einsum("abcd,cdef->abef", (None, 6, 7), (2, 3, 4, 5), bias_axes="ef"),
    _einsum("abcd,efcd->abef", (None, 6, 7), (2, 3, 4, 5)),
    _einsum("ab,b->a", (), (2, 5), why="nothing new"),
    _einsum("ab,b->ab", 5, (2, 5), bias_axes="b", why="nothing summed"),
    _einsum("ab,c->abc", (5, 4), (2, 5), bias_axes="c"),
    _einsum("...x,xy->...y", 4, (2, 3, 5), bias_axes="y"),
    _einsum("...x,xy->...y", 4, (2, 5), bias_axes="y"),
    _einsum("...x,xy->...y", 4, (2, 1, 3, 6, 5)),
    _einsum("...x,xyz->...yz", (4, 6), (2, 3, 5), bias_axes="yz"),
    _einsum("...ab,bc->...ac", (None, 4), (2, 3, 5), bias_axes="c"),
    _einsum("...ab,ac->...cb", (4, 5), (2, 7, 3, 5), bias_axes="c", why="a bias axis before the last, left ellipsis"),
    _einsum("ab...,bc->ac...", 4, (2, 3, 5), bias_axes="c", why="a right ellipsis"),
    _einsum("ab...,bc->ac...", 4, (2, 3), bias_axes="c", why="an ellipsis for nothing"),
    _einsum("ab...,bc->ac...", 4, (2, 3, 5, 6), why="two axes behind"),
    _einsum("abc...,cd->abd...", (3, 4), (2, 3, 5, 6), bias_axes="bd"),
    _einsum("aBx,xQ->aBQ", (None, 4), (2, 3, 5), bias_axes="Q", why="capital letters"),
    _einsum("abc,cd->abd", (None, 4), (0, 3, 5), bias_axes="d", why="empty batch"),
    _einsum("abc,bd->adc", (4, None), (0, 3, 5)),
    _einsum("ab,bc->ac", 1, (1, 1), bias_axes="c"),
    _einsum("abc,cd->abd", (None, 4), integers(2, 3, 5, high=9, low=-9), bias_axes="d", why="integers become floats"),
    _einsum("abc,bd->adc", (4, None), integers(2, 3, 5, high=9, low=-9)),
    _einsum("abc,cd->abd", (None, 4), integers(2, 3, 5, high=9, low=-9), bias_axes="d", autocast=False),
    _einsum("abc,dce->abde", (None, 4, 6), integers(2, 3, 5, high=9, low=-9), autocast=False, why="operands meet"),
    _einsum("ab,bc->ac", 4, (2, 5), bias_axes="c", activity_regularizer="l2"),
    _einsum("ab,bc->ac", 4, (2, 5), bias_axes="c", trainable=False),
    _einsum("ab,bc->ac", 4, (2, 5), bias_axes="c", dtype="float64"),
    *_weighted(
        "EinsumDense",
        ("kernel", "bias"),
        {"equation": "abc,cde->abde", "output_shape": (None, 4, 6), "bias_axes": "de"},
        [(2, 3, 5)],
    ),
    _einsum("abc,cd->abd", (None, 4), (2, 3, 5), lora_rank=2, lora_alpha=3.0, why="here lora_alpha counts"),
    _einsum("abc,cde->abde", (None, 4, 6), (2, 3, 5), lora_rank=2, why="factors along the last axis"),
    _einsum("abc,bd->adc", (4, None), (2, 3, 5), lora_rank=2, lora_alpha=0.5),
    _einsum("ab,bc->ac", 4, (2, 5), lora_rank=2, kernel_regularizer="l2"),
    _einsum("ab,bc->ac", 4, (2, 5), gptq_unpacked_column_size=4, quantization_config=None, why="for quantization only"),
    Case(
        "EinsumDense",
        {"equation": "abc,cd->abd", "output_shape": (None, 4)},
        [(2, 3, 5)],
        masks=[mask(2, 3)],
        why="masks stop",
    ),
    *(
        Case("EinsumDense", {"equation": equation, "output_shape": shape, **config}, [inputs], raises=True)
        for equation, shape, config, inputs in (
            ("ab, bc->ac", 4, {}, (2, 5)),
            ("a...b,bc->a...c", 4, {}, (2, 5)),
            ("ab,bc->ad", 4, {}, (2, 5)),
            ("ab,bcd->ac", 4, {}, (2, 5)),
            ("ab,bc->ac", None, {}, (2, 5)),
            ("ab,bc->ac", -1, {}, (2, 5)),
            ("ab,bc->ac", (None,), {}, (2, 5)),
            ("ab,bc->ac", 4, {}, (2, 3, 5)),
            ("abc,cd->abd", (None, 4), {}, (2, 5)),
            ("abc,cd->abd", (7, 4), {}, (2, 3, 5)),
            ("ab,bc->ac", 4, {"bias_axes": "x"}, (2, 5)),
            ("ab,bc->ac", 4, {"bias_axes": ""}, (2, 5)),
            ("ab,bc->ac", 4, {"lora_rank": 2, "kernel_constraint": "non_neg"}, (2, 5)),
        )
    ),
]


def _embedding(*inputs: Any, why: str = "", **config: Any) -> Case:
    return Case("Embedding", {"input_dim": 7, "output_dim": 4, **config}, list(inputs), why=why)


_EMBEDDING = [
    _embedding(_ROWS),
    _embedding(integers(5, high=7), why="rank 1"),
    _embedding(values(3, "int32"), why="a scalar"),
    _embedding(integers(2, 3, 5, high=7, dtype="int64")),
    _embedding(integers(2, 1, 3, 5, high=7)),
    _embedding(integers(2, 3, 5, 1, 2, high=7)),
    _embedding(integers(0, 3, high=7), why="empty batch"),
    _embedding(values([[1, 1, 1, 2]], "int64"), why="gradients of repeated rows add up"),
    _embedding(values([[0, -1, -7, 6]], "int32"), why="negative indices count from the end"),
    _embedding(integers(2, 3, high=7, dtype="uint8")),
    _embedding(integers(2, 3, low=-7, high=7, dtype="int8")),
    _embedding(mask(2, 3)),
    _embedding(uniform(2, 3, high=6.99), why="floats are truncated"),
    _embedding(values([[0.0, 0.9, -0.5, -1.5, 6.9]]), mask_zero=True, why="0.9 is row 0, but no padding"),
    _embedding(_ROWS, mask_zero=True),
    _embedding(integers(4, high=2), mask_zero=True),
    _embedding(values([[0, 2, 0], [-7, 1, 3]], "int64"), mask_zero=True, why="-7 is row 0, but no padding"),
    _embedding(_ROWS, mask_zero=False),
    Case("Embedding", {"input_dim": 1, "output_dim": 1}, [integers(1, 1, high=1)]),
    _embedding(_ROWS, weights=normal(7, 4)),
    _embedding(_ROWS, trainable=False),
    _embedding(_ROWS, name="mine", activity_regularizer="l2"),
    _embedding(_ROWS, dtype="float16"),
    _embedding(_ROWS, dtype="mixed_bfloat16"),
    *_weighted("Embedding", ("embeddings",), {"input_dim": 7, "output_dim": 4}, [_ROWS]),
    _embedding(_ROWS, lora_rank=2),
    _embedding(_ROWS, lora_rank=2, lora_alpha=3.0, why="Keras forgets lora_alpha"),
    _embedding(_ROWS, lora_rank=3, embeddings_regularizer="l2", mask_zero=True),
    _embedding(_ROWS, quantization_config=None),
    *(
        Case("Embedding", {"input_dim": 7, "output_dim": 4, "lora_rank": 2}, [_ROWS], dtype=dtype)
        for dtype in ("float64", "float16", "mixed_float16", "mixed_bfloat16")
    ),
    *(
        Case("Embedding", {"input_dim": 7, "output_dim": 4, **config}, [inputs], raises=True)
        for config, inputs in (
            ({}, values([[1, 7]], "int32")),
            ({}, values([[1, -8]], "int64")),
            ({"input_dim": 0}, _ROWS),
            ({"output_dim": 2.0}, _ROWS),
            ({"output_dim": True}, _ROWS),
            ({"weights": normal(6, 4)}, _ROWS),
            ({"lora_rank": 2, "embeddings_constraint": "non_neg"}, _ROWS),
            ({"lora_rank": -1}, _ROWS),
        )
    ),
]


def _reversible(inputs: Any, why: str = "", dtype: str = "float32", reverse: bool = False, **config: Any) -> Case:
    call = {"reverse": True} if reverse else {}
    return Case(
        "ReversibleEmbedding", {"input_dim": 7, "output_dim": 4, **config}, [inputs], call, dtype=dtype, why=why
    )


_REVERSIBLE = [
    _reversible(_ROWS),
    *(
        _reversible((2, 3, 4), reverse=True, dtype=dtype)
        for dtype in ("float32", "float64", "float16", "bfloat16", "mixed_float16", "mixed_bfloat16")
    ),
    _reversible((5, 4), reverse=True),
    _reversible((4,), reverse=True, why="rank 1"),
    _reversible((0, 3, 4), reverse=True, why="empty batch"),
    _reversible((2, 1, 3, 4), reverse=True, tie_weights=False),
    _reversible(_ROWS, tie_weights=False, why="the other weight is there, without a gradient"),
    _reversible((2, 3, 4), reverse=True, tie_weights=False, dtype="mixed_float16"),
    _reversible(integers(2, 4, low=-9, high=9), reverse=True, why="integers become floats"),
    _reversible(
        values([[1.0, 2.0, -0.1, 3.0]], "float32"), reverse=True, dtype="mixed_float16", why="float32 stays float32"
    ),
    _reversible((2, 4), reverse=True, reverse_dtype="float64", why="the output has that dtype"),
    _reversible((2, 4), reverse=True, reverse_dtype="float64", dtype="mixed_bfloat16"),
    _reversible((2, 4), reverse=True, logit_soft_cap=0.7),
    _reversible((2, 4), reverse=True, logit_soft_cap=30, dtype="float16"),
    _reversible(normal(2, 4, scale=1e4), reverse=True, logit_soft_cap=2.0, tie_weights=False, why="far beyond the cap"),
    _reversible(_ROWS, logit_soft_cap=0.7, why="only in reverse"),
    _reversible(_ROWS, mask_zero=True),
    _reversible((2, 3, 4), reverse=True, mask_zero=True, why="no mask in reverse"),
    _reversible(
        _ROWS, embeddings_initializer="he_normal", embeddings_regularizer="l2", embeddings_constraint="non_neg"
    ),
    _reversible((2, 4), reverse=True, tie_weights=False, embeddings_regularizer="l1", why="the other weight has none"),
    _reversible((2, 4), reverse=True, lora_rank=2),
    _reversible((2, 4), reverse=True, lora_rank=2, dtype="float16"),
    _reversible(_ROWS, lora_rank=2),
    _reversible((3, 4), reverse=True, activity_regularizer="l2", trainable=False, name="mine"),
    Case("ReversibleEmbedding", {"input_dim": 7, "output_dim": 4}, [(2, 5)], {"reverse": True}, raises=True),
    Case("ReversibleEmbedding", {"input_dim": 7, "output_dim": 4}, [integers(2, 3, low=7, high=9)], raises=True),
    Case(
        "ReversibleEmbedding",
        {"input_dim": 7, "output_dim": 4, "reverse_dtype": "float31"},
        [(2, 4)],
        {"reverse": True},
        raises=True,
    ),
]


CASES = [*_DENSE, *_EINSUM, *_EMBEDDING, *_REVERSIBLE]
