"""Faults of the core, activation, merging and reshaping layers, activations and losses."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from tests.parity.faults.planting import Fault, attached, first, half_precision, instead, second, then, without

ACTIVATIONS = [
    Fault("tanh for erf in gelu", "torch_layers.activations.gelu", "activations.gelu", "semantics",
          instead(lambda x, approximate=False: F.gelu(x, approximate="tanh"))),
    Fault("slope 0.3 in leaky_relu", "torch_layers.activations.leaky_relu", "activations.leaky_relu", "semantics",
          instead(lambda x, negative_slope=0.3: F.leaky_relu(x, negative_slope))),
    Fault("hard_sigmoid of Keras 2", "torch_layers.activations.hard_sigmoid", "activations.hard_sigmoid", "semantics",
          instead(lambda x: (0.2 * x + 0.5).clamp(0, 1))),
    Fault("softmax over axis 1", "torch_layers.activations.softmax", "activations.softmax", "semantics",
          instead(lambda x, axis=-1: x.softmax(1 if x.ndim > 1 else 0))),
    Fault("log of softmax plus epsilon", "torch_layers.activations.log_softmax", "activations.log_softmax", "semantics",
          instead(lambda x, axis=-1: (x.softmax(axis) + 1e-7).log())),
    Fault("selu with rounded constants", "torch_layers.activations.selu", "activations.selu", "semantics",
          instead(lambda x: 1.0507 * torch.where(x > 0, x, 1.6733 * x.expm1()))),
    Fault("alpha of elu ignored", "torch_layers.activations.elu", "activations.elu", "semantics", without("alpha")),
    Fault("elu's gradient cut by detach", "torch_layers.activations.elu", "activations.elu", "semantics of gradients",
          first(lambda x: x.detach())),
    Fault("gradient of tanh taken for the identity's", "torch_layers.activations.tanh", "activations.tanh",
          "semantics of gradients", lambda tanh: lambda x: attached(tanh(x), x)),
    Fault("tanh in half precision", "torch_layers.activations.tanh", "activations.tanh", "accuracy", half_precision),
    Fault("threshold of relu ignored", "torch_layers.activations.relu", "activations.relu", "semantics",
          without("threshold")),
]  # fmt: skip

LAYERS = [
    Fault("bias of Dense forgotten", "torch_layers.layers.core.dense.F.linear", "Dense", "semantics",
          instead(lambda x, weight, bias=None: x @ weight.t())),
    Fault("gradient of Dense's kernel cut", "torch_layers.layers.lora._LoRA.kernel", "Dense",
          "semantics of gradients", then(lambda weight: weight.detach())),
    Fault("float16 result in float32", "torch_layers.layers.core.dense.Dense.forward", "Dense", "structure",
          then(lambda y: y.float() if y.dtype is torch.float16 else y)),
    Fault("penalties of regularizers forgotten", "torch_layers.layers.weighted.penalties", "Dense", "structure",
          instead(lambda module: [])),
    Fault("activity penalty not divided by the batch", "torch_layers.layers.base.Layer._add_activity_losses", "Dense",
          "semantics", lambda correct: lambda self, outputs: self._activity_losses.append(
              self.activity_regularizer(outputs))),
    Fault("L2 halved", "torch_layers.regularizers.L2.__call__", "regularizers.L2", "semantics", then(lambda p: p / 2)),
    Fault("alpha of PReLU with the wrong sign", "torch_layers.layers.activation.prelu.PReLU.forward", "PReLU",
          "semantics", second(torch.neg)),
    Fault("mask of Softmax ignored", "torch_layers.layers.activation.softmax.Softmax.forward", "Softmax", "semantics",
          without("mask")),
    Fault("mask of Masking inverted", "torch_layers.layers.core.masking.Masking.compute_mask", "Masking", "structure",
          then(torch.logical_not)),
    Fault("Masking wants all features equal to pass", "torch_layers.layers.core.masking.Masking.forward", "Masking",
          "semantics", instead(lambda self, x: torch.where((x != self.mask_value).all(-1, keepdim=True), x, 0))),
    Fault("mask_zero without a mask", "torch_layers.layers.core.embedding.Embedding.compute_mask", "Embedding",
          "structure", instead(lambda self, inputs, mask=None: None)),
    Fault("Embedding off by one", "torch_layers.layers.core.embedding.Embedding.forward", "Embedding", "semantics",
          second(lambda x: (x - 1).clamp(min=0))),
    Fault("Average divides by one less", "torch_layers.layers.merging.average.Average.forward", "Average", "semantics",
          lambda correct: lambda self, inputs: correct(self, inputs) * len(inputs) / max(len(inputs) - 1, 1)),
    Fault("Subtract the other way", "torch_layers.layers.merging.subtract.Subtract.forward", "Subtract", "semantics",
          second(lambda inputs: inputs[::-1])),
    Fault("masks of Maximum ignored", "torch_layers.layers.merging.merge._MaskedMerge.forward", "Maximum", "semantics",
          without("mask")),
    Fault("Concatenate in the other order", "torch_layers.layers.merging.concatenate.Concatenate.forward",
          "Concatenate", "semantics", second(lambda inputs: inputs[::-1])),
    Fault("masks joined by and", "torch_layers.layers.merging.merge._Merge.compute_mask", "Add", "structure",
          lambda correct: lambda self, inputs, mask=None: None if correct(self, inputs, mask) is None else torch.stack(
              list(mask)).all(0)),
    Fault("Permute by the inverse", "torch_layers.layers.reshaping.permute.Permute.forward", "Permute", "structure",
          lambda correct: lambda self, x: x.permute(
              0, *(self.dims.index(i + 1) + 1 for i in range(len(self.dims))))),
    Fault("Flatten keeps channels_first order", "torch_layers.layers.reshaping.flatten.Flatten.forward", "Flatten",
          "semantics", instead(lambda self, x: x.reshape(x.shape[0], -1) if x.numel() else x.flatten(1))),
    Fault("RepeatVector repeats along the features", "torch_layers.layers.reshaping.repeat_vector.RepeatVector.forward",
          "RepeatVector", "semantics", lambda correct: lambda self, x: correct(self, x).flip(-1)),
]  # fmt: skip

LOSSES = [
    Fault("probabilities not clipped", "torch_layers.losses.categorical._normalized", "CategoricalCrossentropy",
          "structure", instead(lambda y_pred, axis: y_pred / y_pred.sum(axis, keepdim=True))),
    Fault("probabilities not divided by their sum", "torch_layers.losses.categorical._normalized",
          "CategoricalCrossentropy", "semantics", instead(lambda y_pred, axis: y_pred.clamp(1e-7, 1 - 1e-7))),
    Fault("label smoothing dropped", "torch_layers.losses.categorical._smooth", "CategoricalCrossentropy", "semantics",
          instead(lambda y_true, label_smoothing: y_true)),
    Fault("labels of binary targets smoothed like categories", "torch_layers.losses.binary._smooth",
          "BinaryCrossentropy", "semantics",
          instead(lambda y, smoothing: y * (1 - smoothing) + smoothing / y.shape[-1])),
    Fault("epsilon of 1e-6", "torch_layers.losses.binary.EPSILON", "BinaryCrossentropy", "semantics", instead(1e-6)),
    Fault("sum divided by the batch alone", "torch_layers.losses.base.reduce", "MeanSquaredError", "semantics",
          lambda correct: lambda owner, values, *rest: correct(owner, values, *rest) * (
              values.numel() / max(len(values), 1) if values.ndim else 1)),
    Fault("mask of a loss ignored", "torch_layers.losses.base.reduce", "MeanSquaredError", "semantics",
          lambda correct: lambda owner, values, weight=None, mask=None, reduction=None: correct(
              owner, values, weight, None, reduction)),
    Fault("mask not counted in the mean", "torch_layers.losses.reduction._mask_weight", "MeanSquaredError", "semantics",
          instead(lambda mask, dtype, reduction: mask.to(dtype))),
    Fault("(N, 1) against (N,) broadcast to (N, N)", "torch_layers.losses.base.same_rank", "MeanSquaredError",
          "semantics", instead(lambda y_true, y_pred: (y_true, y_pred))),
    Fault("delta of Huber ignored", "torch_layers.losses.regression._huber", "Huber", "semantics",
          lambda correct: lambda y_true, y_pred, delta: correct(y_true, y_pred, 1.0)),
    Fault("ignored class left in the mean", "torch_layers.losses.sparse.SparseCategoricalCrossentropy.valid",
          "SparseCategoricalCrossentropy", "semantics", instead(lambda self, y_true, values: None)),
    Fault("cosine with the sign of the angle", "torch_layers.losses.cosine_similarity", "losses.cosine_similarity",
          "semantics", then(torch.neg)),
    Fault("gradient of targets cut", "torch_layers.losses.mean_squared_error", "losses.mean_squared_error",
          "semantics of gradients", first(lambda y: y.detach())),
]  # fmt: skip

FAULTS = [*ACTIVATIONS, *LAYERS, *LOSSES]
