"""Where an older Keras is known to compute otherwise than the one that torch_layers follows, and why.

Runs against Keras 2 (tf-keras) and against the oldest Keras supported use these rows; the newest is judged without them.
A row is about whole cases: what an old version says of them is no guide. A row that no case needs is stale.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from parity.case import Case


@dataclass(frozen=True)
class Difference:
    """Cases of `names` (empty: all) with one of `parts` in their id (empty: all) differ in `side` below version `before`.

    Not `in_float64`, they differ in their own dtype alone, which runs of `--semantics` don't see.
    """

    side: str
    before: str
    names: tuple[str, ...]
    parts: tuple[str, ...]
    reason: str
    in_float64: bool = True

    def holds(self, environment: dict[str, str]) -> bool:
        """Tell whether the row is about the reference that has this environment."""
        version = environment.get("framework", " 0").split()[-1]
        return environment.get("side") == self.side and _number(version) < _number(self.before)

    def covers(self, case: Case) -> bool:
        """Tell whether the row is about a case. None is about round trips of files: each version is judged by itself."""
        if case.kind == "file":
            return False
        named = not self.names or case.name in self.names
        return named and (not self.parts or any(part in case.id for part in self.parts))


def _number(version: str) -> tuple[int, ...]:
    return tuple(int("".join(filter(str.isdigit, part)) or 0) for part in version.split(".")[:3])


FOCAL = ("BinaryFocalCrossentropy", "binary_focal_crossentropy")
VECTORS = (
    *("mean_squared_error", "mean_absolute_error", "mean_absolute_percentage_error", "mean_squared_logarithmic_error"),
    *("huber", "cosine_similarity", "categorical_focal_crossentropy", "CategoricalFocalCrossentropy"),
)

CONVOLUTIONS = (
    *("Conv1D", "Conv2D", "Conv3D", "Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose"),
    *("SeparableConv1D", "SeparableConv2D"),
)
DEPTHWISE = ("DepthwiseConv1D", "DepthwiseConv2D")

SEQUENCES = (
    *("SimpleRNNCell", "GRUCell", "LSTMCell", "SimpleRNN", "GRU", "LSTM", "RNN", "StackedRNNCells", "Bidirectional"),
    *(
        "TimeDistributed",
        "ConvLSTM1D",
        "ConvLSTM2D",
        "ConvLSTM3D",
        "tagger",
        "states_of_an_encoder",
        "images_of_a_video",
    ),
)
ATTENTION = ("MultiHeadAttention", "GroupQueryAttention", "Attention", "AdditiveAttention")

DIFFERENCES: Sequence[Difference] = (
    Difference(
        *("keras", "3.15", (), ("'l2'", "L2(")),
        reason="before 3.15 a regularizer kept its factor in float32, in float64 models too: up to 3e-8 off",
    ),
    Difference(
        *("keras", "3.15", ("penalties_of_a_shared_layer",), ()),
        reason="before 3.15 a regularizer kept its factor in float32",
    ),
    Difference(
        *("keras", "3.15", (), ("lora_rank",)),
        reason="before 3.15 the factors of LoRA had the layer's variable dtype, not float32",
    ),
    Difference(
        *("keras", "3.15", ("Masking",), ("mask_value=inf",)),
        reason="before 3.15 Masking multiplied by the mask, so that a masked infinity became NaN",
    ),
    Difference(
        *("keras", "3.15", ("Attention",), ("() ([5x7,", "() ([2x3x5x7,", "() ([2x1x3x5x7,")),
        reason="before 3.15 Attention took tensors of rank 3 alone",
    ),
    Difference(
        *("keras", "3.15", ("MultiHeadAttention",), ("value_dim=0",)),
        reason="before 3.15 a value_dim of 0 counted as none",
    ),
    Difference(
        *("keras", "3.15", ("TimeDistributed",), ("GlobalAveragePooling1D(), name='averages'",)),
        reason="before 3.15 TimeDistributed handed on masks in another way",
    ),
    Difference(
        *("keras", "3.15", ("CenterCrop", "Resizing"), ("rel_center_xywh",)),
        reason="before 3.15 boxes in rel_center_xywh were read in another way",
    ),
    Difference(
        *("tf-keras", "3", ("CenterCrop", "Resizing"), ("{images:",)),
        reason="Keras 2 takes no dict of images and boxes",
    ),
    Difference(
        *("tf-keras", "3", SEQUENCES, ()),
        reason="Keras 2 keeps states, dropout and masks of recurrent layers in ways of its own; ConvLSTM's hard_sigmoid too",
    ),
    Difference(
        *("tf-keras", "3", ("steps_of_a_normalizing_network",), ()),
        reason="Keras 2's TimeDistributed joins all steps in one call, and so BatchNormalization's statistics in training",
    ),
    Difference(
        *("tf-keras", "3", ATTENTION, ()),
        reason="Keras 2's attention adds other numbers to masked scores, in float32 in float64 models too",
    ),
    Difference(
        *("tf-keras", "3", (), (" raises",)),
        reason="Keras 2 accepts arguments and shapes that Keras 3 refuses",
    ),
    Difference(
        *("tf-keras", "3", (), ("'l1'", "'l2'", "L1()", "l1=", "OrthogonalRegularizer(")),
        reason="Keras 2 keeps a regularizer's factor in float32, and regularizes frozen weights too",
    ),
    Difference(
        *("tf-keras", "3", ("penalties_of_a_shared_layer",), ()),
        reason="Keras 2 keeps a regularizer's factor in float32",
    ),
    Difference(
        *("tf-keras", "3", ("BinaryCrossentropy", "binary_crossentropy", *FOCAL), ()),
        reason="Keras 2 adds epsilon inside the logarithm, beside clipping",
    ),
    Difference(
        *("tf-keras", "3", ("LogCosh", "log_cosh"), ()),
        reason="Keras 2 keeps log(2) in float32",
    ),
    Difference(
        *("tf-keras", "3", (), ("reduction='mean", "reduction=None")),
        reason="Keras 2 has no such reduction",
    ),
    Difference(
        *("tf-keras", "3", (), ("ignore_class", "masks=(", "sample_weight")),
        reason="Keras 2 weighs the mean otherwise: masks and ignored classes stay in its denominator",
    ),
    Difference(
        *("tf-keras", "3", ("hard_sigmoid",), ()),
        reason="hard_sigmoid was clip(0.2 x + 0.5, 0, 1) in Keras 2",
    ),
    Difference(
        *("tf-keras", "3", ("Activation",), ("hard_sigmoid", "leaky_relu")),
        reason="hard_sigmoid had another slope in Keras 2, and leaky_relu a float32 one",
    ),
    Difference(
        *("tf-keras", "3", ("masks_of_tokens",), ()),
        reason="Keras 2 never computes with the masks of merged inputs",
    ),
    Difference(
        *("tf-keras", "3", (), ("int8", "int32", "int64", "uint8", "mask,", "mask)")),
        reason="Keras 2 does not promote integers and booleans, nor count negative indices from the end",
    ),
    Difference(
        *("tf-keras", "3", ("Softmax", "softmax"), ("mask=", "(5) ")),
        reason="Keras 2 adds -1e9 to masked logits and keeps their share, and takes no vectors",
    ),
    Difference(
        *("tf-keras", "3", ("ReLU", "LeakyReLU", "sequential_in_functional"), ()),
        reason="Keras 2 keeps slopes in float32, in float64 models too, and its default slope of LeakyReLU with them",
    ),
    Difference(
        *("tf-keras", "3", ("Embedding", "Reshape", "Constant", "Masking", "dot"), ()),
        reason="Keras 2 takes other arguments here: no weights= or float indices, no None, no lists, no default axes",
    ),
    Difference(
        *(
            "tf-keras",
            "3",
            VECTORS,
            ("(4, 4x1", "(4x1, 4", "(4 in", "(4x1 in", "(2x3", "(4 one", "(4x1 one", "(0", "(5"),
        ),
        reason="functions and losses of Keras 2 match ranks and empty batches otherwise",
    ),
    Difference(
        *("tf-keras", "3", (), ("(0x5", "4x1", "2x1x3", "1x5", "reduction='none'", "reduction='sum_over_batch_size'")),
        reason="losses of Keras 2 match ranks otherwise, reduce an empty batch to 0, and never squeeze after reducing",
    ),
    Difference(
        *("tf-keras", "3", (), ("(((inf,)", "delta=0.1", "1e-30")),
        reason="TensorFlow's gradients at NaN and tiny numbers, and Keras 2's float32 delta",
    ),
    Difference(
        *(
            "tf-keras",
            "3",
            ("CosineSimilarity", "cosine_similarity", "Dot"),
            ("1e-09", "1e-06", "(((0.0, 0", "normalize"),
        ),
        reason="Keras 2 normalizes vectors with another epsilon",
    ),
    Difference(
        *("tf-keras", "3", ("CategoricalCrossentropy", "categorical_crossentropy"), ("axis=1",)),
        reason="Keras 2 counts the classes of label smoothing otherwise",
    ),
    Difference(
        *("tf-keras", "3", (), ("((0.3, 0.7), (0.4, 0.1))",)),
        reason="losses of Keras 2 compute in the dtype of the predictions; those of Keras 3 in their own",
        in_float64=False,
    ),
    Difference(
        *("tf-keras", "3", ("GaussianDropout",), ("(rate=0.3, seed=6, dtype='mixed_bfloat16')",)),
        reason="Keras 2 draws in bfloat16, where 1 plus the noise is 0 now and then",
    ),
    Difference(
        *("keras", "3.15", ("Embedding", "RepeatVector", "Reshape"), ("=True", "n=0", "(None, 3)")),
        reason="before 3.15 these layers checked their arguments otherwise",
    ),
    Difference(
        *("keras", "3.15", (*DEPTHWISE, "SeparableConv1D", "SeparableConv2D"), ("channels_first", "dilation_rate")),
        reason="before 3.15 these did channels_first, and strides with a dilation, only where TensorFlow did",
    ),
    Difference(
        *("keras", "3.15", ("GroupNormalization",), ("mixed_", "int32")),
        reason="before 3.15 GroupNormalization cast its input first",
    ),
    Difference(
        *("keras", "3.15", ("ActivityRegularization",), ()),
        reason="before 3.15 a regularizer kept its factor in float32",
    ),
    Difference(
        *("keras", "3.15", ("UpSampling1D",), (" raises",)),
        reason="before 3.15 UpSampling1D did not check its size",
    ),
    Difference(
        *("tf-keras", "3", (*CONVOLUTIONS, "MaxPooling2D", "AveragePooling2D"), ("hannels_", "dilation_rate")),
        reason="TensorFlow has no float64 kernels for channels_first images and some dilations",
    ),
    Difference(
        *("tf-keras", "3", DEPTHWISE, ()),
        reason="Keras 2 calls their kernel depthwise_kernel, and has no strides with a dilation",
    ),
    Difference(
        *("tf-keras", "3", ("BatchNormalization", "LayerNormalization", "SpectralNormalization"), ()),
        reason="Keras 2 normalizes by fused kernels, moves to the unbiased variance, and sorts no axes",
    ),
    Difference(
        *("tf-keras", "3", ("GroupNormalization", "Normalization", "UnitNormalization"), ("mixed_", "*300", "1e-13")),
        reason="Keras 2 normalizes in the compute dtype, and vectors with another epsilon",
    ),
    Difference(
        *("tf-keras", "3", ("MaxPooling3D", "AveragePooling3D"), ()),
        reason="Keras 2 pools volumes by kernels that TensorFlow has not in float64",
    ),
    Difference(
        *("tf-keras", "3", ("UpSampling2D", "Resizing", "Rescaling", "CenterCrop"), ()),
        reason="Keras 2 resizes and rescales in float32, in float64 models too, and antialiases nothing",
    ),
    Difference(
        *("tf-keras", "3", ("UpSampling1D", "UpSampling3D"), ("x0x",)),
        reason="TensorFlow does not repeat an empty axis",
    ),
    Difference(
        *("tf-keras", "3", ("Dropout", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D"), ("rate=1)",)),
        reason="Keras 2 can't drop everything",
    ),
    Difference(
        *("tf-keras", "3", ("AlphaDropout",), ("noise_shape",)),
        reason="AlphaDropout of Keras 2 takes a noise shape without None alone",
    ),
    Difference(
        *("keras", "3.15", ("GlobalAveragePooling1D",), ("masks=(((",)),
        reason="before 3.15 what a mask left out was multiplied by 0, so that a masked NaN stayed",
    ),
)
