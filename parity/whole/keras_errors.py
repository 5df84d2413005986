"""Where a Keras is known to compute something else than the Keras that wrote a file, and says nothing: with evidence.

Refusals are not here: a Keras says them itself. Each row is shown by a file in tests/live/test_keras_errors.py, and fails
there once its Keras is right.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch_layers.saving.content import ModelFile

Config = Mapping[str, Any]


@dataclass(frozen=True)
class KerasError:
    """What `packages` (keras, tf_keras) get wrong: layers of `classes` with a config for which `concerns` holds, in files
    of Keras 1 and 2. `why` says what the file means and what that Keras does; `evidence` where to read that.
    `through_masks` says that the layer's own numbers may be right: its mask is not, and layers after it compute with it.
    """

    packages: tuple[str, ...]
    classes: tuple[str, ...]
    concerns: Callable[[ModelFile, Config], bool]
    why: str
    evidence: str
    through_masks: bool = False

    def covers(self, package: str, file: ModelFile, layer: Config) -> bool:
        """Tell whether the row is about a layer of a file, given as its description there, under a Keras."""
        about = package in self.packages and file.is_legacy
        return about and any(
            part.get("class_name") in self.classes and self.concerns(file, part.get("config") or {})
            for part in _parts(layer)
        )


def _parts(layer: Any) -> list[Config]:
    """Return a description and those of the layers inside of it, as a wrapper's or of cells."""
    if isinstance(layer, (list, tuple)):
        return [part for item in layer for part in _parts(item)]
    if not isinstance(layer, Mapping):
        return []
    inner = [part for value in layer.values() for part in _parts(value)]
    return [layer, *inner] if "class_name" in layer else inner


def _is_hard_sigmoid(file: ModelFile, config: Config) -> bool:
    said = [config.get(key) for key in ("activation", "recurrent_activation")]
    return "hard_sigmoid" in [value.get("config") if isinstance(value, Mapping) else value for value in said]


def _has_no_reset_after(file: ModelFile, config: Config) -> bool:
    return "reset_after" not in config and config.get("use_bias") is False


def _is_of_theano(file: ModelFile, config: Config) -> bool:
    return file.backend == "theano"


def _has_a_border_of_theano(file: ModelFile, config: Config) -> bool:
    return file.backend == "theano" and config.get("padding") == "same"


def _has_several_axes(file: ModelFile, config: Config) -> bool:
    axis = config.get("axis")
    return isinstance(axis, (list, tuple)) and len(axis) > 1


def _always(file: ModelFile, config: Config) -> bool:
    return True


RECURRENT = ("SimpleRNN", "LSTM", "GRU", "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D")
CELLS = ("SimpleRNNCell", "LSTMCell", "GRUCell")
CONVOLUTIONS = ("Conv1D", "Conv2D", "Conv3D", "Conv2DTranspose", "Conv3DTranspose", "ConvLSTM2D")
WITH_BORDER = (
    *("Conv1D", "Conv2D", "Conv3D", "Conv2DTranspose", "Conv3DTranspose", "DepthwiseConv2D", "SeparableConv2D"),
    *(f"{kind}Pooling{rank}D" for kind in ("Average", "Max") for rank in (1, 2, 3)),
)
WITH_ACTIVATION = (
    *("Activation", "Dense", "SeparableConv1D", "SeparableConv2D", "DepthwiseConv2D", "Conv1DTranspose"),
    *(*CONVOLUTIONS, *RECURRENT, *CELLS),
)

KERAS_ERRORS: Sequence[KerasError] = (
    KerasError(
        packages=("keras",),
        classes=tuple(dict.fromkeys(WITH_ACTIVATION)),
        concerns=_is_hard_sigmoid,
        why="hard_sigmoid of Keras 1 and 2 is clip(0.2 x + 0.5, 0, 1); Keras 3 computes relu6(x + 3) / 6",
        evidence="tf_keras/src/activations.py and keras/src/activations/activations.py, hard_sigmoid",
    ),
    KerasError(
        packages=("keras", "tf_keras"),
        classes=("GRU", "GRUCell"),
        concerns=_has_no_reset_after,
        why="a GRU whose file says nothing of reset_after resets before its product; this Keras resets after it, which only "
        "the shape of a bias would show, and this layer has none",
        evidence="keras 2.2.4, keras/layers/recurrent.py: GRU(reset_after=False), an argument that earlier versions lack",
    ),
    KerasError(
        packages=("keras", "tf_keras"),
        classes=CONVOLUTIONS,
        concerns=_is_of_theano,
        why="Theano convolves with the kernel turned by 180 degrees; this Keras takes the file's kernel as it is",
        evidence="keras 2.2.4, keras/engine/saving.py: preprocess_weights_for_loading turns it (convert_kernel)",
    ),
    KerasError(
        packages=("keras",),
        classes=("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Concatenate"),
        concerns=_always,
        why="masks of merged inputs: in Keras 1 and 2 they change no number of the merge, and a step counts after it where "
        "all inputs that have a mask count it; Keras 3 merges only unmasked numbers, and lets a step count where any does",
        evidence="tf_keras/src/layers/merging/base_merge.py and keras/src/layers/merging/base_merge.py, compute_mask",
        through_masks=True,
    ),
    KerasError(
        packages=("keras",),
        classes=("LayerNormalization", "UnitNormalization", "Softmax"),
        concerns=_has_several_axes,
        why="a layer works along several axes together; Keras 3 drops an axis that is a list, and takes the last one",
        evidence="keras/src/legacy/saving/saving_utils.py, model_from_config",
    ),
    KerasError(
        packages=("keras", "tf_keras"),
        classes=WITH_BORDER,
        concerns=_has_a_border_of_theano,
        why="with padding='same', Keras on Theano begins a convolution half a kernel before the first pixel, and a pool all "
        "but one or two pixels of itself; this Keras has less of the border there, or none",
        evidence="keras 2.1.6, keras/backend/theano_backend.py: conv2d, pool2d, conv2d_transpose",
    ),
)


def known_errors(package: str, file: ModelFile, layer: Config) -> list[KerasError]:
    """Return the rows that are about a layer of a file under a Keras."""
    return [row for row in KERAS_ERRORS if row.covers(package, file, layer)]
