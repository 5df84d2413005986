"""MultiHeadAttention and GroupQueryAttention: errors, calls, masks and dropout, beyond what `parity run` shows."""

from __future__ import annotations

import pytest
import torch

from torch_layers import Add, Embedding, GlobalAveragePooling1D, GroupQueryAttention, Input, Model, MultiHeadAttention


def heads(**config):
    return MultiHeadAttention(**{"num_heads": 3, "key_dim": 4, **config}).double().eval()


def groups(**config):
    return (
        GroupQueryAttention(**{"head_dim": 4, "num_query_heads": 6, "num_key_value_heads": 2, **config}).double().eval()
    )


def drawn(*shape):
    return torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(len(shape)))


QUERY, VALUE = drawn(2, 5, 7), drawn(2, 4, 8)


@pytest.mark.parametrize("config, message", [
    ({"num_heads": 0}, "MultiHeadAttention: num_heads=0 is not a positive int"),
    ({"key_dim": 1.5}, "MultiHeadAttention: key_dim=1.5 is not a positive int"),
    ({"value_dim": 0}, "MultiHeadAttention: value_dim=0 is not a positive int"),
    ({"dropout": 1.5}, "MultiHeadAttention: dropout=1.5 is not a number from 0 to 1"),
    ({"output_shape": (3, 0)}, r"MultiHeadAttention: output_shape=\(3, 0\) is not 2 ints of at least 1"),
    ({"sliding_window": 0}, "MultiHeadAttention: sliding_window=0 is not a positive int"),
    ({"attention_axes": "1"}, "MultiHeadAttention: attention_axes='1' is not None, an int or a list of ints"),
    ({"flash_attention": True, "dropout": 0.5}, "dropout=0.5 can't be combined with flash_attention=True"),
])  # fmt: skip
def test_refuses_arguments(config, message):
    with pytest.raises(ValueError, match=message):
        heads(**config)


def test_groups_must_divide():
    with pytest.raises(ValueError, match="num_query_heads=6 is not a multiple of num_key_value_heads=4"):
        groups(num_key_value_heads=4)


@pytest.mark.parametrize("layer, shapes, call, message", [
    (heads(), [(2, 5, 7), (2, 4)], {}, r"query \(2, 5, 7\), value \(2, 4\), key \(2, 4\) differ in rank"),
    (heads(), [(2, 5), (2, 4)], {}, "have rank 2, allowed is at least 3"),
    (groups(), [(2, 3, 5, 7), (2, 3, 4, 7)], {}, "have rank 4, allowed is 3"),
    (heads(), [(2, 5, 7), (3, 4, 7)], {}, "query and value differ in axis 0, which is not attended"),
    (heads(), [(2, 5, 7), (2, 4, 7), (2, 3, 7)], {}, "value and key differ in axis 1, not only in the last"),
    (heads(attention_axes=2), [(2, 3, 5, 7), (2, 1, 4, 7)], {}, "differ in axis 1, which is not attended"),
    (heads(attention_axes=3), [(2, 3, 5, 7), (2, 3, 5, 7)], {}, r"attention_axes=\(3,\) names an axis twice or one"),
    (heads(attention_axes=(1, 1)), [(2, 3, 5, 7), (2, 3, 5, 7)], {}, "names an axis twice"),
    (heads(), [(2, 5, 7)], {}, "MultiHeadAttention: value is a NoneType, not a tensor"),
    (heads(), [(2, 5, 7), (2, 4, 7)], {"query_mask": (2, 4)},
     r"query_mask has shape \(2, 4\), not \(2, 5\), the shape of the query without its last axis"),
    (heads(), [(2, 5, 7), (2, 4, 7)], {"value_mask": (2, 5)}, r"value_mask has shape \(2, 5\), not \(2, 4\)"),
    (groups(), [(2, 5, 7), (2, 4, 7)], {"attention_mask": (2, 4, 5)},
     r"attention_mask has shape \(2, 4, 5\), which doesn't broadcast to \(2, 6, 5, 4\)"),
    (heads(), [(2, 5, 7), (2, 4, 7)], {"attention_mask": (4,)}, r"attention_mask has shape \(4,\)"),
])  # fmt: skip
def test_refuses_calls_and_stays_as_it_was(layer, shapes, call, message):
    with pytest.raises(ValueError, match=message):
        layer(*(drawn(*s) for s in shapes), **{k: torch.ones(s) for k, s in call.items()})
    assert not layer.built or call


def test_a_built_layer_names_what_has_changed():
    layer = heads()
    layer(QUERY, VALUE)
    with pytest.raises(ValueError, match=r"the last axis of value is 7, built was 8"):
        layer(QUERY, QUERY)
    with pytest.raises(ValueError, match="have rank 4, the layer was built for 3"):
        layer(QUERY.unsqueeze(1), VALUE.unsqueeze(1))
    for query, value, key in ((QUERY, VALUE[:1], None), (QUERY, VALUE, VALUE[:, :3]), (QUERY[..., :3], VALUE, None)):
        with pytest.raises(ValueError, match=r"MultiHeadAttention: query \(2, 5, .*value \("):
            layer(query, value, key)


@pytest.mark.parametrize("make", [heads, groups])
def test_flash_attention_gives_no_scores(make):
    layer = make(flash_attention=True)
    torch.testing.assert_close(layer(QUERY, VALUE), layer(QUERY, VALUE))
    with pytest.raises(ValueError, match="return_attention_scores=True can't be combined with flash_attention=True"):
        layer(QUERY, VALUE, return_attention_scores=True)


def test_only_one_axis_has_an_order_in_time():
    x = drawn(2, 3, 4, 5)
    for layer, call in ((heads(), {"use_causal_mask": True}), (heads(sliding_window=2), {})):
        with pytest.raises(ValueError, match=r"needs one attended axis, attention_axes=\(1, 2\)"):
            layer(x, x, **call)


def test_names_and_configs():
    layer = heads(use_gate=True, attention_axes=-2)
    assert layer.get_config()["attention_axes"] == (-2,)
    layer(QUERY, VALUE)
    assert list(layer.state_dict()) == [
        f"{part}.{kind}"
        for part in ("query", "key", "gate", "value", "attention_output")
        for kind in ("weight", "bias")
    ]
    assert {name: tuple(w.shape) for name, w in layer.state_dict().items() if name.startswith("key")} == {
        "key.weight": (12, 8), "key.bias": (12,),
    }  # fmt: skip
    config = layer.get_config()
    assert (config["attention_axes"], config["value_dim"], "flash_attention" in config) == ((1,), 4, False)


def test_builds_from_shapes_and_build_configs():
    layer, other, third = heads(), heads(), heads()
    layer.build((None, 5, 7), (None, 4, 8))
    other.build(query_shape=(None, 5, 7), value_shape=(None, 4, 3), key_shape=(None, 4, 8))
    assert [w.shape for w in other.get_weights()][2:6:2] == [(8, 3, 4), (3, 3, 4)]
    assert layer.get_build_config() == {"shapes_dict": {"query_shape": (None, 5, 7), "value_shape": (None, 4, 8)}}
    third.build_from_config(layer.get_build_config())
    assert [w.shape for w in third.get_weights()] == [w.shape for w in layer.get_weights()]


def test_arguments_by_keyword():
    layer = heads()
    torch.testing.assert_close(layer(query=QUERY, value=VALUE), layer(QUERY, VALUE))
    torch.testing.assert_close(layer(value=VALUE, query=QUERY, key=VALUE), layer(QUERY, VALUE))
    torch.testing.assert_close(layer(QUERY.numpy(), VALUE.numpy()), layer(QUERY, VALUE))


def test_the_query_s_mask_counts_however_it_comes():
    # Keras ignores it as an argument, and takes only the mask that hangs on the query.
    layer, mask = heads(), torch.tensor([[True] * 5, [True, False, True, True, False]])
    y, plain = layer(QUERY, VALUE, query_mask=mask), layer(QUERY, VALUE)
    blind = layer(QUERY, VALUE.mean(1, keepdim=True))
    torch.testing.assert_close(y, torch.where(mask.unsqueeze(-1), plain, blind))


def test_masks_of_each_head_join_those_of_steps():
    # As many samples as heads: numpy's broadcasting alone would take one for the other, as Keras does.
    layer, query, value = heads(), drawn(3, 5, 7), drawn(3, 4, 8)
    steps, each = (
        torch.tensor([[True] * 4, [True, False, True, True], [False, True, True, True]]),
        torch.ones(3, 3, 5, 4),
    )
    expected = layer(query, value, value_mask=steps)
    torch.testing.assert_close(layer(query, value, value_mask=steps, attention_mask=each), expected)


@pytest.mark.parametrize("axis", [1, 2, 3])
def test_one_axis_of_a_volume_is_a_sequence(axis):
    # TensorFlow's softmax ends at rank 5.
    layer, flat = heads(attention_axes=axis), heads()
    query, value = drawn(2, 3, 4, 5, 7), drawn(2, 3, 4, 5, 8)
    y, scores = layer(query, value, return_attention_scores=True)
    flat(QUERY, VALUE)
    flat.set_weights(layer.get_weights())
    moved = [x.movedim(axis, -2) for x in (query, value)]
    expected, of_flat = flat(*(x.flatten(0, 2) for x in moved), return_attention_scores=True)
    torch.testing.assert_close(y, expected.reshape(*moved[0].shape).movedim(-2, axis))
    torch.testing.assert_close(scores.flatten(0, 2), of_flat)


def test_masks_of_images_are_those_of_their_steps():
    # Keras can't join masks over two axes.
    layer, flat, x = heads(dropout=0.5), heads(dropout=0.5), drawn(2, 3, 4, 7)
    mask = drawn(2, 3, 4) > -0.5
    y = layer(x, x, query_mask=mask, value_mask=mask)
    flat(QUERY, QUERY)
    flat.set_weights(layer.get_weights())
    steps = {"query_mask": mask.flatten(1), "value_mask": mask.flatten(1)}
    torch.testing.assert_close(y.flatten(1, 2), flat(x.flatten(1, 2), x.flatten(1, 2), **steps))


@pytest.mark.parametrize("make", [heads, groups])
def test_dropout_acts_in_training_and_not_on_the_scores_that_are_returned(make):
    layer = make(dropout=0.5, seed=1)
    _, expected = layer(QUERY, VALUE, return_attention_scores=True)
    once, again = make(dropout=0.5, seed=1), make(dropout=0.5, seed=1)
    for other in (once, again):
        other(QUERY, VALUE)
        other.set_weights(layer.get_weights())
        other.train()
    y, scores = once(QUERY, VALUE, return_attention_scores=True)
    torch.testing.assert_close(scores, expected)
    torch.testing.assert_close(again(QUERY, VALUE), y)
    assert not torch.equal(once(QUERY, VALUE), y)
    many = torch.stack([once(QUERY, VALUE) for _ in range(400)])
    torch.testing.assert_close(many.mean(0), layer(QUERY, VALUE), rtol=0, atol=6 * many.std().item() / 20)


@pytest.mark.parametrize("make, count", [(heads, 5), (groups, 6)])
def test_activities_that_are_penalized(make, count):
    # Those of the projections; and of GroupQueryAttention its output once more.
    layer = make(activity_regularizer="l2", use_gate=True)
    layer(QUERY, VALUE)
    assert len(layer.losses) == count


def test_a_model_draws_the_masks():
    ids = Input((4,), dtype="int64", name="ids")
    x = Embedding(9, 6, mask_zero=True)(ids)
    y = MultiHeadAttention(2, 3)(x, x)
    model = Model(ids, y)
    assert (
        "self.multi_head_attention(embedding, embedding, query_mask = embedding_mask, value_mask = embedding_mask)"
        in (model.code)
    )
    assert y.mask is x.mask
    tokens = torch.tensor([[3, 1, 0, 0]])
    vectors = model.embedding(tokens)
    expected = model.multi_head_attention(vectors, vectors, query_mask=tokens != 0, value_mask=tokens != 0)
    torch.testing.assert_close(model(tokens), expected)


def test_masks_that_hang_on_tensors_are_taken_off_as_in_keras():
    ids = Input((4,), dtype="int64", name="ids")
    x = Embedding(9, 6, mask_zero=True)(ids)
    first = MultiHeadAttention(2, 3, name="first")(x, x)
    summed = Add()([x, first])
    second = MultiHeadAttention(2, 3, name="second")(summed, summed)
    code = Model(ids, GlobalAveragePooling1D()(second)).code
    assert "self.first(embedding, embedding, query_mask = embedding_mask, value_mask = embedding_mask)" in code
    assert "self.second(add, add)" in code  # nothing hangs on the sum: x has lost its mask
    assert "self.global_average_pooling1d(second, mask = add_mask)" in code  # a call with one tensor has the graph's
    assert second.mask is summed.mask
    assert Model(ids, second).compute_mask(torch.tensor([[1, 2, 0, 0]])) is None  # which losses would take
    kept = GroupQueryAttention(3, 2, 1, name="groups")(x, Embedding(9, 6, mask_zero=True, name="other")(ids))
    again = GroupQueryAttention(3, 2, 1, name="again")(kept, kept)
    assert "self.again(groups, groups" in (code := Model(ids, again).code)
    assert "value_mask = other_mask" in code


@pytest.mark.parametrize("make", [heads, groups])
def test_compiles_and_exports_with_masks(make):
    layer, mask = make(), torch.tensor([[True] * 4, [True, False, True, False]])
    expected = layer(QUERY, VALUE, value_mask=mask, use_causal_mask=True)
    compiled = torch.compile(layer, fullgraph=True, backend="eager")
    torch.testing.assert_close(compiled(QUERY, VALUE, value_mask=mask, use_causal_mask=True), expected)
    program = torch.export.export(layer, (QUERY, VALUE), {"value_mask": mask})
    torch.testing.assert_close(program.module()(QUERY, VALUE, value_mask=mask), layer(QUERY, VALUE, value_mask=mask))
