"""Masks in the graph: who is given one, where they end, and how they pass through nested models."""

from __future__ import annotations

import copy
import pickle

import pytest
import torch

from torch_layers import Concatenate, Dense, Embedding, Flatten, Input, Layer, Maximum, Model, Sequential

IDS = torch.tensor([[3, 1, 0], [2, 0, 0]])
MASK = IDS != 0


class Steps(Layer):
    """Zeros masked steps."""

    supports_masking = True

    def forward(self, x, mask=None):
        return x if mask is None else x * mask.unsqueeze(-1)


class Pool(Layer):
    """Sums steps that are not masked; the mask ends here."""

    def compute_mask(self, inputs, mask=None):
        return None

    def forward(self, x, mask=None):
        return x.sum(1) if mask is None else (x * mask.unsqueeze(-1)).sum(1)


def tokens(name: str = "ids"):
    ids = Input((3,), dtype="int64", name=name)
    return ids, Embedding(5, 4, mask_zero=True)(ids)


def code(model: Model) -> list[str]:
    return [line.split(";")[0].strip() for line in model.code.strip().splitlines()]


def test_masks_are_drawn():
    ids, x = tokens()
    model = Model(ids, Pool()(Dense(4)(x)))
    assert code(model) == [
        "def forward(self, ids):",
        "embedding = self.embedding(ids)",
        "embedding_layer = self.embedding",
        "embedding_mask = embedding_layer.compute_mask(ids, None)",
        "dense = self.dense(embedding)",
        "pool = self.pool(dense, mask = embedding_mask)",
        "return pool",
    ]
    expected = (model.dense(model.embedding(IDS)) * MASK.unsqueeze(-1)).sum(1)
    torch.testing.assert_close(model(IDS), expected)


def test_unused_masks_vanish():
    ids, x = tokens()
    assert "mask" not in Model(ids, Dense(4)(x)).code


def test_symbols_carry_their_mask():
    ids, x = tokens()
    assert ids.mask is None
    assert (x.mask.shape, x.mask.dtype) == ((None, 3), torch.bool)
    assert Dense(4)(x).mask is x.mask
    assert (x + 1).mask is None  # as in Keras, functions don't know of masks
    assert Pool()(x).mask is None
    assert Embedding(5, 4)(ids).mask is None


def test_an_explicit_mask_wins():
    ids, x = tokens()
    model = Model(ids, Steps()(x, mask=ids > 2))
    assert model.code.count("compute_mask") == 0
    torch.testing.assert_close(model(IDS), model.embedding(IDS) * (IDS > 2).unsqueeze(-1))


def test_lists_of_inputs_get_lists_of_masks():
    ids, x = tokens()
    plain = Input((3, 4))
    model = Model([ids, plain], Maximum()([x, plain]))
    assert "mask = [embedding_mask, None]" in model.code
    assert "mask" not in Model([plain, other := Input((3, 4))], Maximum()([plain, other])).code


def test_merged_masks():
    ids, x = tokens()
    model = Model(ids, Steps()(Concatenate(1)([x, Dense(4)(x)])))
    assert "concatenate_layer.compute_mask([embedding, dense], [embedding_mask, embedding_mask])" in model.code
    result = model(IDS)
    assert torch.equal(result.abs().sum(-1) != 0, torch.cat([MASK, MASK], 1))


def test_a_layer_called_with_several_tensors_gets_no_mask():
    # Keras's rule: an RNN with initial states, for one, is given no mask.
    class Stateful(Steps):
        def forward(self, x, state=None, mask=None):
            assert mask is None or state is None
            return x

    ids, x = tokens()
    assert "mask =" not in Model(ids, Stateful()(x, x[:, 0])).code
    assert "mask =" in Model(ids, Stateful()(x)).code


def test_masks_by_the_names_of_several_arguments():
    class Attend(Layer):
        def forward(self, query, value, query_mask=None, value_mask=None):
            assert value_mask is not None
            return query + value * value_mask.unsqueeze(-1)

    ids, x = tokens()
    plain = Input((3, 4), name="plain")
    model = Model([plain, ids], Attend()(plain, x))
    assert "self.attend(plain, embedding, value_mask = embedding_mask)" in model.code


def test_warns_where_a_mask_ends():
    class Deaf(Layer):
        def forward(self, x):
            return x * 1

    _, x = tokens()
    with pytest.warns(UserWarning, match="Deaf: 'deaf' does not support masking: the mask of its input ends here"):
        assert Deaf()(x).mask is None


def test_compute_mask_of_a_model():
    ids, x = tokens()
    model = Model(ids, {"steps": Steps()(x), "flat": Flatten()(Pool()(x))})
    masks = model.compute_mask(IDS)
    assert torch.equal(masks["steps"], MASK)
    assert masks["flat"] is None
    assert Model(ids, Pool()(x)).compute_mask(IDS) is None


def encoder() -> Model:
    start = Input((3, 4))
    return Model(start, Steps()(Dense(4, use_bias=False)(start)), name="encoder")


def test_nested_models_get_and_return_masks():
    ids, x = tokens()
    model = Model(ids, Pool()(encoder()(x)))
    assert "encoder = self.encoder(embedding, mask = embedding_mask)" in model.code
    assert "encoder_layer.compute_mask(embedding, embedding_mask)" in model.code
    hidden = model.encoder.dense(model.embedding(IDS)) * MASK.unsqueeze(-1)
    torch.testing.assert_close(model.encoder(model.embedding(IDS), mask=MASK), hidden)
    torch.testing.assert_close(model(IDS), hidden.sum(1))
    assert torch.equal(model.encoder.compute_mask(hidden, MASK), MASK)
    assert model.encoder.compute_mask(hidden) is None


@pytest.mark.parametrize(
    "duplicate", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))], ids=["deepcopy", "pickle"]
)
def test_copies_of_nested_models_keep_masks_and_compile(duplicate):
    ids, x = tokens()
    model = Model(ids, Pool()(encoder()(x)))
    copied = duplicate(model)
    torch.testing.assert_close(copied(IDS), model(IDS))
    compiled = torch.compile(copied, fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(compiled(IDS), model(IDS))
    exported = torch.export.export(copied, (IDS,), dynamic_shapes=({0: torch.export.Dim("batch")},))
    torch.testing.assert_close(exported.module()(IDS[:1]), model(IDS[:1]))


def test_a_part_of_a_model_forgets_masks_that_come_from_outside():
    ids, x = tokens()
    model = Model(ids, Pool()(x))
    part = Model(x, model.output)
    assert "mask" not in part.code
    values = torch.randn(2, 3, 4)
    torch.testing.assert_close(part(values), values.sum(1))
    torch.testing.assert_close(part(values, mask=MASK), (values * MASK.unsqueeze(-1)).sum(1))


def test_sequential_passes_masks():
    model = Sequential([Input((3,), dtype="int64"), Embedding(5, 4, mask_zero=True), Dense(4), Pool()])
    assert "pool = self.pool(dense, mask = embedding_mask)" in model.code
    deferred = Sequential([Embedding(5, 4, mask_zero=True), Dense(4), Pool()])
    deferred.set_weights(model.get_weights())
    torch.testing.assert_close(deferred(IDS), model(IDS))
    assert torch.equal(Sequential([Embedding(5, 4, mask_zero=True)]).compute_mask(IDS), MASK)
