"""Attention and AdditiveAttention: errors, masks and dropout, beyond what `parity run` shows."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from torch_layers import AdditiveAttention, Attention, Embedding, Input, Model
from torch_layers.layers.attention import attention


def drawn(*shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(len(shape)))


QUERY, VALUE = drawn(2, 5, 7), drawn(2, 4, 7)
BOTH = pytest.mark.parametrize("cls", [Attention, AdditiveAttention])


def test_refuses_arguments():
    with pytest.raises(
        ValueError, match=r"Attention: score_mode='dit' is not one of \('dot', 'concat'\) \(did you mean"
    ):
        Attention(score_mode="dit")
    with pytest.raises(ValueError, match=r"AdditiveAttention: dropout=-1 is not a number from 0 to 1"):
        AdditiveAttention(dropout=-1)


@BOTH
@pytest.mark.parametrize("inputs, message", [
    (QUERY, r"inputs is a Tensor, not a list of \[query, value\] or \[query, value, key\]"),
    ([QUERY], "inputs has 1 items, not a list"),
    ([QUERY] * 4, "inputs has 4 items, not a list"),
    ([QUERY, drawn(2, 4, 6)], r"query \(2, 5, 7\), value \(2, 4, 6\), key \(2, 4, 6\): query and key differ in the last"),
    ([QUERY, VALUE, QUERY], "value and key differ in axis -2, the steps"),
    ([QUERY, drawn(3, 4, 7)], "differ in axis -3, where none is 1"),
    ([drawn(7), drawn(7)], "allowed are ranks of at least 2"),
])  # fmt: skip
def test_refuses_inputs(cls, inputs, message):
    for layer in (cls(), cls()):
        with pytest.raises(ValueError, match=f"{cls.__name__}: .*{message}"):
            layer(inputs)
        layer([QUERY, VALUE])
        with pytest.raises(ValueError, match=f"{cls.__name__}: .*{message}"):
            layer(inputs)


@BOTH
@pytest.mark.parametrize("mask, message", [
    (torch.ones(2, 5), r"mask is a Tensor, not a list of \[query mask, value mask\]"),
    ([None], "mask has 1 items, not a list"),
    ([None, torch.ones(2, 5)], r"the value's mask has shape \(2, 5\), which doesn't fit the value's \(batch, steps\)"),
    ([torch.ones(2, 4), None], r"the query's mask has shape \(2, 4\), which doesn't fit"),
])  # fmt: skip
def test_refuses_masks(cls, mask, message):
    with pytest.raises(ValueError, match=f"{cls.__name__}: {message}"):
        cls()([QUERY, VALUE], mask=mask)


def test_additive_attention_takes_no_notice_of_score_mode():
    layer = AdditiveAttention(score_mode="concat")
    layer([QUERY, VALUE])
    assert list(layer.state_dict()) == ["scale"]
    assert "score_mode" not in layer.get_config()
    with pytest.raises(ValueError, match="there are 6 features, built was 7"):
        layer([QUERY[..., :6], VALUE[..., :6]])


@BOTH
def test_dropout_acts_in_training_on_the_scores_that_are_returned(cls):
    layer = cls(dropout=0.5, use_scale=False)
    _, plain = layer.eval()([QUERY, VALUE], return_attention_scores=True)
    y, scores = layer.train()([QUERY, VALUE], return_attention_scores=True)
    kept = scores != 0
    assert 0 < kept.sum() < kept.numel()
    torch.testing.assert_close(scores, torch.where(kept, plain / 0.5, 0))
    torch.testing.assert_close(y, scores @ VALUE)


@BOTH
def test_a_model_draws_the_masks(cls):
    ids = Input((4,), dtype="int64", name="ids")
    query = Embedding(9, 6, mask_zero=True, name="query")(ids)
    value = Embedding(9, 6, mask_zero=True, name="value")(ids)
    y = cls()([query, value])
    model = Model(ids, y)
    assert "mask = [query_mask, value_mask]" in model.code
    assert y.mask.shape == (None, 4)
    assert cls()([query, Input((4, 6))]).mask is not None
    assert cls()([Input((4, 6)), value]).mask is None
    tokens = torch.tensor([[3, 1, 0, 0]])
    assert torch.equal(model(tokens)[0].abs().sum(-1) != 0, tokens[0] != 0)
    assert torch.equal(model.compute_mask(tokens), tokens != 0)


@BOTH
def test_compiles_and_exports_with_masks(cls):
    layer, mask = cls(), [None, torch.tensor([[True] * 4, [True, False, True, False]])]
    expected = layer([QUERY, VALUE], mask=mask, use_causal_mask=True)
    compiled = torch.compile(layer, fullgraph=True, backend="eager")
    torch.testing.assert_close(compiled([QUERY, VALUE], mask=mask, use_causal_mask=True), expected)
    program = torch.export.export(layer, ([QUERY, VALUE],), {"mask": mask})
    torch.testing.assert_close(program.module()([QUERY, VALUE], mask=mask), layer([QUERY, VALUE], mask=mask))


@pytest.mark.parametrize(
    "features, keys, stepwise", [(128, 4, True), (128, 512, True), (127, 4, False), (128, 513, False)]
)
def test_wide_features_train_step_by_step_with_the_same_gradients(features, keys, stepwise, monkeypatch):
    kernels, kernel = [], F.scaled_dot_product_attention
    monkeypatch.setattr(
        F,
        "scaled_dot_product_attention",
        lambda *args, **kwargs: kernels.append(kernel(*args, **kwargs)) or kernels[-1],
    )
    layer = Attention(use_scale=True, dtype="float64")
    query, value = (0.1 * drawn(2, n, features).double().requires_grad_() for n in (3, keys))
    y = layer([query, value])
    assert bool(kernels) is not stepwise
    found = torch.autograd.grad(y.square().sum(), [query, value, layer.scale])
    with torch.no_grad():
        torch.testing.assert_close(layer([query, value]), y)
        assert len(kernels) == 2 - stepwise
    layer([query, value], use_causal_mask=True)
    assert len(kernels) == 3 - stepwise
    monkeypatch.setattr(attention, "_goes_back_quicker", lambda query, key: not stepwise)
    expected = torch.autograd.grad(layer([query, value]).square().sum(), [query, value, layer.scale])
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-12)
