"""Embedding and ReversibleEmbedding: indices, errors, masks, configs."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from torch_layers import Embedding, ReversibleEmbedding

W = np.arange(15.0, dtype="float32").reshape(5, 3)
X = torch.tensor([[1, 0, 4]])


@pytest.mark.parametrize("size", [0, -1, 2.0, True, None])
def test_sizes_must_be_positive_ints(size):
    with pytest.raises(ValueError, match=rf"^Embedding: input_dim={size!r} is not a positive int"):
        Embedding(size, 3)
    with pytest.raises(ValueError, match=rf"^Embedding: output_dim={size!r} is not a positive int"):
        Embedding(3, size)


@pytest.mark.parametrize("weights", [W, [W], W.tolist(), torch.from_numpy(W)], ids=["array", "list", "rows", "tensor"])
def test_weights_are_a_matrix_or_a_list_of_it(weights):
    layer = Embedding(5, 3, weights=weights)
    assert torch.equal(layer.weight, torch.from_numpy(W))
    assert "weights" not in layer.get_config()


def test_weights_of_another_shape_are_named():
    with pytest.raises(ValueError, match=r"^Embedding: set_weights: array 0 \('embeddings'\) has shape \(4, 3\)"):
        Embedding(5, 3, weights=W[:4])


def test_keras_2_input_length_changes_nothing():
    assert "input_length" not in Embedding(5, 3, input_length=7).get_config()


def test_weights_exist_from_the_start():
    layer = Embedding(5, 3)
    assert layer.built
    assert layer.weight.shape == (5, 3)
    assert layer.get_weights()[0].shape == (5, 3)


@pytest.mark.parametrize("index", [5, 700, -6])
@pytest.mark.parametrize("dtype", [torch.int32, torch.int64, torch.float32])
def test_an_index_outside_is_named_with_what_is_allowed(index, dtype):
    layer = Embedding(5, 3)
    with pytest.raises(
        IndexError, match=rf"^Embedding: input holds the index {index}, allowed are -5 to 4 for input_dim=5"
    ):
        layer(torch.tensor([[1, index, -1]], dtype=dtype))


@pytest.mark.parametrize("backend", ["eager", "aot_eager"])
def test_negative_indices_count_from_the_end_also_compiled_exported_and_mapped(backend):
    torch._dynamo.reset()
    layer, x = Embedding(5, 3, weights=W), torch.tensor([[0, -1, -5]])
    expected = torch.from_numpy(W)[x]
    assert torch.equal(layer(x), expected)
    assert torch.equal(torch.compile(layer, fullgraph=True, backend=backend)(x), expected)
    assert torch.equal(torch.export.export(layer, (X,)).module()(x), expected)
    assert torch.equal(torch.func.vmap(layer)(x), expected)


def test_indices_are_not_rounded_to_the_compute_dtype():
    layer = Embedding(3000, 2, dtype="mixed_bfloat16")
    assert torch.equal(layer(torch.tensor([2999.0])), layer(torch.tensor([2999])))
    assert layer(np.array([[1, 2]])).dtype is torch.bfloat16


def test_mask_is_made_of_the_input_and_only_if_asked_for():
    x = torch.tensor([[0, 2, 0]])
    layer = Embedding(5, 3, mask_zero=True)
    assert layer.supports_masking
    assert torch.equal(layer.compute_mask(x), torch.tensor([[False, True, False]]))
    assert not Embedding(5, 3).supports_masking
    assert Embedding(5, 3).compute_mask(x, torch.tensor([[True, True, False]])) is None


def test_lora_multiplies_only_the_rows_asked_for_and_counts_as_the_whole_matrix():
    layer = Embedding(5, 3, lora_rank=2)
    torch.nn.init.normal_(layer.lora_b)
    torch.testing.assert_close(layer(X), layer.kernel()[X])
    assert not layer.weight.requires_grad


class TestReverse:
    def test_scores_are_products_with_every_row(self):
        layer, h = ReversibleEmbedding(5, 3, weights=W), torch.ones(2, 3)
        assert torch.equal(layer(h, reverse=True), h @ torch.from_numpy(W).T)
        assert torch.equal(layer(X, reverse=False), layer(X))
        assert torch.equal(layer(np.ones((2, 3)), reverse=True).float(), layer(h, reverse=True))

    def test_a_way_back_of_its_own_has_keras_s_layout_in_get_weights(self):
        layer = ReversibleEmbedding(5, 3, tie_weights=False)
        assert layer.reverse_weight.shape == (5, 3)
        assert [w.shape for w in layer.get_weights()] == [(5, 3), (3, 5)]

    def test_lora_leaves_a_way_back_of_its_own_alone(self):
        layer = ReversibleEmbedding(5, 3, tie_weights=False, lora_rank=2)
        h = torch.randn(2, 3)
        assert torch.equal(layer(h, reverse=True), h @ layer.reverse_weight.T)
        assert layer.reverse_weight.requires_grad

    @pytest.mark.parametrize("name", ["float16", "float32", "float64"])
    def test_reverse_dtype_is_that_of_the_output(self, name):
        layer = ReversibleEmbedding(5, 3, reverse_dtype=name)
        assert layer(torch.ones(2, 3), reverse=True).dtype is getattr(torch, name)
        assert layer(X).dtype is torch.float32
        assert layer.get_config()["reverse_dtype"] == name

    def test_mistakes_are_named(self):
        with pytest.raises(ValueError, match=r"^ReversibleEmbedding: reverse_dtype='float31' is not one of"):
            ReversibleEmbedding(5, 3, reverse_dtype="float31")
        for call in ({}, {"mask_zero": True}):
            with pytest.raises(
                ValueError, match=r"input of shape \(2, 4\) in reverse, its last axis must be output_dim=3"
            ):
                ReversibleEmbedding(5, 3, **call)(torch.ones(2, 4), reverse=True)
        with pytest.raises(IndexError, match=r"^ReversibleEmbedding: input holds the index 5, allowed are -5 to 4"):
            ReversibleEmbedding(5, 3)(torch.tensor([5]))

    def test_there_is_no_mask_on_the_way_back(self):
        layer = ReversibleEmbedding(5, 3, mask_zero=True)
        assert torch.equal(layer.compute_mask(X), X != 0)
        assert layer.compute_mask(torch.ones(2, 3), reverse=True) is None
