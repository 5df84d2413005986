"""Cases of TimeDistributed, Bidirectional and the convolutional LSTMs."""

from typing import Any

from parity.case import Array, Case, Object, integers, mask, values


def _layer(class_name: str, /, **config: Any) -> Object:
    return Object("layer", class_name, config)


# TensorFlow has no orthogonal matrices in bfloat16.
_NARROW: dict[str, Any] = {"recurrent_initializer": "glorot_uniform"}


def steps_of_a_small_network(k: Any, dtype: str) -> Any:
    """A Sequential with layers that see each sample by itself."""
    start, x = (k.Input(shape, dtype=k.input_dtype(dtype)) for shape in ((5, 4, 2), (3, 5, 4, 2)))
    convolution = k.Conv2D(3, 2, activation="relu", dtype=dtype)
    inner = k.Sequential([start, convolution, k.MaxPooling2D(2, dtype=dtype), k.Flatten(dtype=dtype)])
    return k.Model(x, k.TimeDistributed(inner, dtype=dtype)(x))


def steps_of_a_normalizing_network(k: Any, dtype: str) -> Any:
    """A Sequential whose statistics are those of a step, not of all."""
    dense, normalization = k.Dense(3, use_bias=False, dtype=dtype), k.BatchNormalization(momentum=0.6, dtype=dtype)
    start, x = (k.Input(shape, dtype=k.input_dtype(dtype)) for shape in ((5,), (3, 5)))
    inner = k.Sequential([start, dense, normalization, k.ReLU(dtype=dtype)])
    return k.Model(x, k.TimeDistributed(inner, dtype=dtype)(x))


def steps_of_operations(k: Any, dtype: str) -> Any:
    """A graph with operations between layers, and a skip."""
    start, x = (k.Input(shape, dtype=k.input_dtype(dtype)) for shape in ((5,), (3, 5)))
    inner = k.Model(start, k.Dense(5, activation="tanh", dtype=dtype)(start) * 2 + start)
    return k.Model(x, k.TimeDistributed(inner, dtype=dtype)(x))


def steps_of_masks(k: Any, dtype: str) -> Any:
    """A graph whose mask begins and ends inside."""
    start, x = k.Input((3,), dtype="int32"), k.Input((4, 3), dtype="int32")
    embedded = k.Embedding(6, 4, mask_zero=True, dtype=dtype)(start)
    inner = k.Model(start, k.GlobalAveragePooling1D(dtype=dtype)(k.Dense(2, dtype=dtype)(embedded)))
    return k.Model(x, k.TimeDistributed(inner, dtype=dtype)(x))


def tagger(k: Any, dtype: str) -> Any:
    """The mask of padding words passes two Bidirectional layers and TimeDistributed, and leaves the model."""
    x = k.Input((3,), dtype="int32")
    y = k.Embedding(7, 4, mask_zero=True, dtype=dtype)(x)
    options = {"return_sequences": True, **_NARROW, "dtype": dtype}
    y = k.Bidirectional(k.LSTM(5, **options), dtype=dtype)(y)
    y = k.Bidirectional(k.GRU(6, **options), merge_mode="ave", dtype=dtype)(y)
    return k.Model(x, k.TimeDistributed(k.Dense(2, dtype=dtype), dtype=dtype)(y))


def states_of_an_encoder(k: Any, dtype: str) -> Any:
    """The states of a Bidirectional are those that another begins with."""
    x, y = (k.Input(shape, dtype=k.input_dtype(dtype)) for shape in ((3, 4), (2, 5)))
    options = {**_NARROW, "dtype": dtype}
    _, *states = k.Bidirectional(k.LSTM(3, return_state=True, **options), dtype=dtype)(x)
    decoder = k.Bidirectional(k.LSTM(3, return_sequences=True, **options), merge_mode=None, dtype=dtype)
    return k.Model([x, y], list(decoder(y, initial_state=states)))


def images_of_a_video(k: Any, dtype: str) -> Any:
    """A convolution for each image, a convolutional LSTM over all, and one that begins at the end."""
    x = k.Input((2, 5, 4, 6), dtype=k.input_dtype(dtype))
    options = {"padding": "same", **_NARROW, "dtype": dtype}
    y = k.TimeDistributed(k.Conv2D(3, 2, dtype=dtype), dtype=dtype)(x)
    y = k.ConvLSTM2D(3, 2, return_sequences=True, **options)(y)
    return k.Model(x, k.ConvLSTM2D(2, 3, go_backwards=True, **options)(y))


def _model(build: Any, inputs: list[Any], **fields: Any) -> Case:
    return Case(build.__name__, {"build": build}, inputs, kind="model", why=build.__doc__, **fields)


_TIME = "TimeDistributed"
_INNER = [
    (_layer("Dense", units=3), (2, 4, 5), ""),
    (_layer("Dense", units=3, activation="softmax"), (2, 4, 6, 5), "rank 4"),
    (_layer("Dense", units=3), (2, 1, 5), "one step"),
    (_layer("Dense", units=3), (1, 4, 5), "one sample"),
    (_layer("Dense", units=3), (0, 4, 5), "an empty batch"),
    (_layer("Dense", units=3, use_bias=False, kernel_regularizer="l2"), (2, 4, 5), ""),
    (_layer("Dense", units=3, kernel_constraint="max_norm"), (2, 4, 5), ""),
    (_layer("Dense", units=3, activity_regularizer="l2"), (2, 4, 5), "Keras does not count it"),
    (_layer("EinsumDense", equation="ab,bc->ac", output_shape=3), (2, 4, 5), ""),
    (_layer("Conv1D", filters=3, kernel_size=2, padding="causal"), (2, 3, 5, 4), ""),
    (_layer("Conv2D", filters=3, kernel_size=2, strides=2, padding="same"), (2, 3, 5, 6, 4), ""),
    (_layer("Conv3D", filters=2, kernel_size=2), (2, 3, 2, 4, 5, 3), "rank 6"),
    (_layer("DepthwiseConv2D", kernel_size=2), (2, 3, 5, 4, 2), ""),
    (_layer("Conv2DTranspose", filters=2, kernel_size=3, strides=2), (1, 2, 3, 4, 3), ""),
    (_layer("MaxPooling2D", pool_size=2), (2, 3, 5, 4, 2), ""),
    (_layer("GlobalAveragePooling1D"), (2, 3, 5, 4), ""),
    (_layer("Flatten"), (2, 3, 5, 4), ""),
    (_layer("Flatten"), (2, 3, 5), "gives (batch, features) for what has no other axes"),
    (_layer("Reshape", target_shape=(2, 3)), (5, 4, 6), ""),
    (_layer("Permute", dims=(2, 1)), (2, 3, 5, 4), ""),
    (_layer("RepeatVector", n=3), (2, 4, 5), ""),
    (_layer("UpSampling2D", size=2), (2, 3, 2, 3, 2), ""),
    (_layer("LayerNormalization"), (2, 3, 5), ""),
    (_layer("LayerNormalization", axis=-2), (2, 3, 5, 4), "no batch axis"),
    (_layer("UnitNormalization", axis=-2), (2, 3, 5), "of (batch, features): along the batch"),
    (_layer("Softmax", axis=0), (3, 2, 5), "along the batch"),
    (_layer("PReLU"), (2, 3, 5), ""),
    (_layer("Activation", activation="gelu"), (2, 3, 5), ""),
    (_layer("Dropout", rate=0.5), (2, 3, 5), ""),
    (_layer("Identity"), (2, 3, 5), ""),
    (_layer(_TIME, layer=_layer("Dense", units=3)), (2, 3, 4, 5), "twice"),
    (_layer(_TIME, layer=_layer("Conv1D", filters=3, kernel_size=2)), (2, 3, 2, 4, 5), ""),
]
_TIME_DISTRIBUTED = [
    *(Case(_TIME, {"layer": layer}, [shape], why=why) for layer, shape, why in _INNER),
    *(Case(_TIME, {"layer": _layer("BatchNormalization", momentum=0.6, **config)}, [shape], masks=masks, training=training,
           why="each step has its own statistics, which move once for each step")
      for config, shape, masks in (
          ({}, (3, 2, 5), None), ({"axis": 1}, (3, 2, 4, 5), None), ({"scale": False}, (2, 3, 2, 4, 5), None),
          ({}, (3, 2, 4, 5), [mask(3, 2, 4)]), ({}, (3, 2, 5), [mask(3, 2)]))
      for training in (False, True)),
    Case(_TIME, {"layer": _layer("Dropout", rate=0.0)}, [(2, 3, 5)], training=True),
    *(Case(_TIME, {"layer": _layer(name, units=6, **config)}, [(4, 2, 3, 5)], masks=masks)
      for name in ("LSTM", "GRU", "SimpleRNN")
      for config, masks in (({}, None), ({"return_sequences": True}, [mask(4, 2, 3)]))),
    Case(_TIME, {"layer": _layer("GRU", units=6, stateful=True)}, [(4, 2, 3, 5)], calls=2,
         why="the states go on from step to step"),
    Case(_TIME, {"layer": _layer("Bidirectional", layer=_layer("LSTM", units=6))}, [(4, 2, 3, 5)]),
    Case(_TIME, {"layer": _layer("ConvLSTM1D", filters=3, kernel_size=2)}, [(2, 3, 2, 4, 5)]),
    Case(_TIME, {"layer": _layer("SpectralNormalization", layer=_layer("Dense", units=3))}, [(2, 3, 5)], training=True,
         why="an iteration for each step"),
    Case(_TIME, {"layer": _layer("Embedding", input_dim=7, output_dim=3)}, [integers(2, 4, 5, high=7)]),
    Case(_TIME, {"layer": _layer("Embedding", input_dim=7, output_dim=3, mask_zero=True)}, [integers(2, 4, 5, high=7)],
         why="the mask that it makes stays inside"),
    Case(_TIME, {"layer": _layer("Dense", units=3)}, [integers(2, 4, 5, high=7)], why="integers"),
    Case(_TIME, {"layer": _layer("Dense", units=3)}, [(2, 4, 5)], masks=[mask(2, 4)], why="the mask goes on"),
    Case(_TIME, {"layer": _layer("Dense", units=3)}, [(2, 4, 6, 5)], masks=[mask(2, 4, 6)]),
    Case(_TIME, {"layer": _layer("Masking")}, [(2, 4, 5)], masks=[mask(2, 4)]),
    Case(_TIME, {"layer": _layer("Softmax")}, [(2, 4, 5)], masks=[mask(2, 4, 5)], why="the layer takes it"),
    Case(_TIME, {"layer": _layer("GlobalAveragePooling1D")}, [(2, 3, 5, 4)], masks=[mask(2, 3, 5)]),
    Case(_TIME, {"layer": _layer("GlobalAveragePooling1D"), "name": "averages"}, [(2, 3, 1, 4)], masks=[mask(2, 3, 1)]),
    Case(_TIME, {"layer": _layer("Dense", units=3), "name": "steps"}, [(2, 4, 5)]),
    Case(_TIME, {"layer": _layer("Dense", units=3), "activity_regularizer": "l1"}, [(2, 4, 5)]),
    Case(_TIME, {"layer": _layer("Dense", units=3, dtype="float64"), "dtype": "float64"}, [(2, 4, 5)]),
    *(Case(_TIME, {"layer": _layer("Conv2D", filters=3, kernel_size=2)}, [(2, 3, 5, 4, 2)], dtype=dtype)
      for dtype in ("float64", "float16", "bfloat16", "mixed_float16", "mixed_bfloat16")),
    *(Case(_TIME, {"layer": _layer(*inner, **config, dtype=own)}, [(2, 4, 5)], dtype=dtype,
           why="it computes in the dtype of the wrapper")
      for own, dtype in (("float32", "mixed_float16"), ("mixed_bfloat16", "float32"), ("float32", "bfloat16"))
      for inner, config in ((("Dense",), {"units": 3, "activation": "softmax"}), (("RepeatVector",), {"n": 2}),
                            (("LayerNormalization",), {}))),
    Case(_TIME, {"layer": _layer("BatchNormalization", momentum=0.6), "trainable": False}, [(4, 3, 5)], training=True,
         why="the layer inside is not told: its statistics go on"),
    *(Case(_TIME, {"layer": _layer("BatchNormalization")}, [(4, 3, 5)], training=True, dtype=dtype)
      for dtype in ("float64", "bfloat16", "mixed_float16")),
    Case(_TIME, {"layer": _layer("Dense", units=3)}, [(2, 5)], raises=True, why="no steps"),
    Case(_TIME, {"layer": _layer("Dense", units=3)}, [(5,)], raises=True),
    Case(_TIME, {"layer": 3}, [(2, 4, 5)], raises=True),
    Case(_TIME, {"layer": _layer("Conv2D", filters=3, kernel_size=2)}, [(2, 3, 5, 4)], raises=True, why="a rank too few"),
    Case(_TIME, {"layer": _layer("Dense", units=3)}, [(2, 4, 5)], masks=[mask(2)], raises=True),
    Case(_TIME, {"layer": _layer("Dense", units=3)}, [(2, 4, 5)], masks=[mask(2, 3)], raises=True),
    Case(_TIME, {"layer": _layer("Dense", units=3)}, [(2, 4, 5)], masks=[mask(3, 4)], raises=True),
]  # fmt: skip

# Few steps: TensorFlow takes each by itself, and most of the time goes there.
_RIGHT = values(((True, True, False), (True, False, False)), "bool")
_LEFT = values(((False, True, True), (False, False, True)), "bool")
_HOLES = values(((True, False, True), (False, True, False)), "bool")
_ALL = values(((True, True, True), (True, True, True)), "bool")
_NONE = values(((True, False, True), (False, False, False)), "bool")
_MASKS = [
    (_RIGHT, "right-padded"), (_LEFT, "left-padded"), (_HOLES, "with holes"), (_ALL, "all true"), (_NONE, "a row of false")
]  # fmt: skip
_STATES: dict[str, Any] = {"return_sequences": True, "return_state": True}

_SHAPES = {1: (2, 3, 5, 4), 2: (2, 3, 5, 4, 6), 3: (3, 2, 2, 4, 5, 2)}
_CONV: dict[str, Any] = {"filters": 7, "kernel_size": 2}
# What may be given to each of them.
_CONV_ARGUMENTS: list[dict[str, Any]] = [
    _NARROW,
    {},
    {"return_sequences": True},
    {"return_state": True},
    _STATES,
    {"go_backwards": True},
    {"go_backwards": True, **_STATES},
    {"padding": "same"},
    {"padding": "same", "kernel_size": 3, **_STATES},
    {"padding": "SAME", "kernel_size": 1},
    {"padding": "same", "kernel_size": 3, "strides": 2, "return_sequences": True},
    {"strides": 2},
    {"dilation_rate": 2, "padding": "same"},
    {"use_bias": False},
    {"activation": "relu", "recurrent_activation": "hard_sigmoid"},
    {"activation": "softmax"},
    {"activation": None, "recurrent_activation": "softmax", "return_sequences": True},
    {"data_format": "channels_first"},
    {"data_format": "channels_first", "padding": "same", "kernel_size": 3, **_STATES},
    {"unroll": True, "return_sequences": True},
    {"kernel_regularizer": "l2", "recurrent_regularizer": "l1", "bias_regularizer": "l2"},
    {"activity_regularizer": "l2"},
    {"kernel_constraint": "max_norm", "recurrent_constraint": "unit_norm", "bias_constraint": "non_neg"},
    {
        "kernel_initializer": "ones",
        "recurrent_initializer": "zeros",
        "bias_initializer": "ones",
        "unit_forget_bias": False,
    },
    {"dropout": 0.3, "recurrent_dropout": 0.2, "seed": 5},
    {"name": "clouds", "trainable": False},
]
_CONV_LSTM = [
    case
    for rank in (1, 2, 3)
    for name, shape in ((f"ConvLSTM{rank}D", _SHAPES[rank]),)
    for case in (
        # In float32 Keras compiles each step of volumes with channels first, which takes six seconds a case.
        *(Case(name, {**_CONV, **config}, [shape], dtype="float64" if rank == 3 and "data_format" in config else "float32")
          for config in _CONV_ARGUMENTS),
        *(
            Case(name, {**_CONV, "padding": "same", **config}, [(2, 3, *shape[2:])], masks=[given], why=why)
            for given, why in (_MASKS if rank == 1 else _MASKS[2:3])
            for config in (_STATES, {"go_backwards": True}, {"zero_output_for_mask": True, "return_sequences": True})
        ),
        Case(name, {**_CONV, "zero_output_for_mask": True}, [(2, 3, *shape[2:])], masks=[_RIGHT], why="the last is zero"),
        Case(name, {**_CONV, "zero_output_for_mask": True, "unroll": True}, [(2, 3, *shape[2:])], masks=[_RIGHT]),
        Case(name, {**_CONV, "unroll": True, **_STATES}, [(2, 3, *shape[2:])], masks=[_HOLES]),
        Case(name, {**_CONV, "return_state": True}, [(2, 3, *shape[2:])], masks=[_NONE]),
        Case(name, {**_CONV, "return_sequences": True}, [(1, *shape[1:])], why="one sample"),
        Case(name, {**_CONV, "return_sequences": True}, [(2, 1, *shape[2:])], why="one step"),
        Case(name, {"filters": 1, "kernel_size": 1}, [(2, 3, *(1,) * rank, 2)], why="images of one pixel"),
        *(
            Case(name, {**_CONV, "stateful": True, **config}, [shape], calls=2, why="goes on where it ended")
            for config in ({"return_sequences": True}, {"padding": "same", "go_backwards": True, "return_state": True})
        ),
        Case(name, {**_CONV, "stateful": True}, [(2, 3, *shape[2:])], masks=[_HOLES], calls=2),
        Case(name, {**_CONV, "dropout": 1.0, "recurrent_dropout": 1}, [shape], training=True, why="1 drops nothing"),
        Case(name, {**_CONV, "dropout": -1, "recurrent_dropout": 2.0}, [shape], training=True, why="clipped"),
        *(
            Case(name, {**_CONV, "padding": "same", **config}, [shape],
                 {"initial_state": [(shape[0], *shape[2:-1], 7), (shape[0], *shape[2:-1], 7)]}, why="states that come in")
            for config in ({}, _STATES, {"go_backwards": True})
        ),
        Case(name, {**_CONV, "padding": "same", **_STATES}, [(2, 3, *shape[2:])],
             {"initial_state": [(2, *shape[2:-1], 7), (2, *shape[2:-1], 7)], "mask": _LEFT},
             why="before the first step the output is 0, not the state"),
        *(Case(name, {**_CONV, "padding": "same", **_STATES, **_NARROW}, [(2, 3, *shape[2:])], masks=[_HOLES], dtype=dtype)
          for dtype in ("float64", "float16", "bfloat16", "mixed_float16", "mixed_bfloat16")),
        Case(name, {**_CONV, "filters": 0}, [shape], raises=True),
        Case(name, {**_CONV, "kernel_size": 0}, [shape], raises=True),
        Case(name, {**_CONV, "padding": "causal"}, [shape], raises=True),
        Case(name, {**_CONV, "padding": "most"}, [shape], raises=True),
        Case(name, {**_CONV, "data_format": "last"}, [shape], raises=True),
        Case(name, {**_CONV, "strides": 2, "dilation_rate": 2}, [shape], raises=True),
        Case(name, {**_CONV, "activation": "tan"}, [shape], raises=True),
        Case(name, {**_CONV, "kernel_size": 9}, [shape], raises=True, why="nothing is left of the images"),
        Case(name, _CONV, [shape[:-1]], raises=True, why="a rank too few"),
        Case(name, _CONV, [(2, *shape)], raises=True, why="a rank too many"),
    )
] + [
    Case("ConvLSTM2D", {**_CONV, "kernel_size": kernel, "padding": padding, **config}, [(1, 2, *sizes, 2)])
    for kernel, sizes in (((2, 3), (5, 4)), ((3, 1), (4, 7)), ((4, 2), (6, 5)), ((1, 5), (3, 6)))
    for padding in ("valid", "same")
    for config in ({"strides": (1, 2)}, {"strides": 3, "return_sequences": True}, {"return_state": True})
]  # fmt: skip

_BI = "Bidirectional"
_MODES = ("concat", "sum", "mul", "ave", None)
_RNN_LAYERS = ("LSTM", "GRU", "SimpleRNN")
_RETURNS: list[dict[str, Any]] = [{}, {"return_sequences": True}, {"return_state": True}, _STATES]


def _both(name: str, /, merge_mode: Any = "concat", **config: Any) -> dict[str, Any]:
    return {"layer": _layer(name, units=4, **config), "merge_mode": merge_mode}


def _with_backward(name: str, /, backward: str = "", **config: Any) -> dict[str, Any]:
    inner = {"return_sequences": True, **config}
    return {
        "layer": _layer(name, units=4, **inner),
        "backward_layer": _layer(backward or name, units=4, go_backwards=True, **inner),
    }


def _first(name: str, batch: int = 2, units: int = 4) -> list[tuple[int, int]]:
    return [(batch, units)] * (4 if name == "LSTM" else 2)


def _stack(*units: int) -> Object:
    cells = zip(("LSTMCell", "GRUCell"), units, strict=True)
    return _layer("StackedRNNCells", cells=[_layer(cell, units=n, name=f"cell_{n}_of_{cell}") for cell, n in cells])


_CELL = _layer("GRUCell", units=4, reset_after=False)
_BIDIRECTIONAL = [
    Case(_BI, _both("LSTM", return_sequences=True, **_NARROW), [(2, 3, 5)]),
    *(Case(_BI, _both("LSTM", mode, **returns), [(2, 3, 5)]) for mode in _MODES for returns in _RETURNS),
    *(Case(_BI, _both(name, mode, **returns), [(2, 3, 5)], why="outputs of any layer merge alike")
      for name in ("GRU", "SimpleRNN") for mode, returns in zip(_MODES, (*_RETURNS, _STATES), strict=True)),
    *(Case(_BI, _both(name, mode, **returns), [(2, 3, 5)], masks=[given], why=why)
      for name, mode, returns, masks in (
          ("LSTM", "concat", _STATES, _MASKS), ("LSTM", "sum", {"return_sequences": True}, _MASKS[:3]),
          ("GRU", "concat", _STATES, _MASKS[2:]), ("GRU", "mul", {}, _MASKS[:3]),
          ("SimpleRNN", "concat", _STATES, _MASKS[2:]))
      for given, why in masks),
    *(Case(_BI, _both(name, None, return_sequences=True), [(2, 3, 5)], masks=[_HOLES], why="both outputs have the mask")
      for name in _RNN_LAYERS),
    Case(_BI, _both("LSTM", None), [(2, 3, 5)], masks=[_HOLES]),
    Case(_BI, _both("LSTM", zero_output_for_mask=True), [(2, 3, 5)], masks=[_RIGHT],
         why="of the last output alone, it is switched off"),
    Case(_BI, _both("LSTM", return_sequences=True, zero_output_for_mask=False), [(2, 3, 5)], masks=[_RIGHT],
         why="of sequences, it is switched on"),
    *(Case(_BI, _both(name, "sum", unroll=True, **returns), [(2, 3, 5)], masks=[given], why="zeros where the mask was given")
      for name in _RNN_LAYERS for returns, given in zip(_RETURNS, (_HOLES, _RIGHT, _RIGHT, _HOLES), strict=True)),
    *(Case(_BI, _both(name, **_STATES), [(2, 3, 5)], {"initial_state": _first(name)}, why="the forward layer's states first")
      for name in _RNN_LAYERS),
    *(Case(_BI, _both(name, "ave", **_STATES), [(2, 3, 5)], {"initial_state": _first(name), "mask": given})
      for name in _RNN_LAYERS for given in (_LEFT, _HOLES)),
    *(Case(_BI, _both(name, mode, stateful=True, return_sequences=True), [(2, 3, 5)], calls=2,
           why="both layers go on where they ended")
      for name in _RNN_LAYERS for mode in ("concat", "mul")),
    Case(_BI, _both("LSTM", stateful=True), [(2, 3, 5)], masks=[_HOLES], calls=2),
    *(Case(_BI, _both(name, return_sequences=True, **config), [(2, 3, 5)])
      for name, configs in (
          *((name, ({"use_bias": False}, {"activation": "relu"}, {"activation": "softsign"}, {"unroll": True},
                    {"dropout": 0.3, "recurrent_dropout": 0.2})) for name in _RNN_LAYERS),
          ("LSTM", ({"kernel_regularizer": "l2"}, {"bias_constraint": "non_neg"}, {"name": "inner"})),
          ("GRU", ({"activity_regularizer": "l2"},)))
      for config in configs),
    *(Case(_BI, _both("GRU", return_sequences=True, reset_after=reset_after, **config), [(2, 3, 5)])
      for reset_after in (False, True) for config in ({"recurrent_activation": "hard_sigmoid"}, {"use_bias": False})),
    Case(_BI, _both("LSTM", unit_forget_bias=False, recurrent_activation="hard_sigmoid"), [(2, 3, 5)]),
    *(Case(_BI, _both(name, go_backwards=True, return_sequences=True), [(2, 3, 5)], raises=True, why="the same way twice")
      for name in _RNN_LAYERS),
    *(Case(_BI, {**_with_backward(*names), "merge_mode": mode}, [(2, 3, 5)], masks=masks)
      for names in (("LSTM",), ("GRU",), ("SimpleRNN",), ("LSTM", "GRU"), ("SimpleRNN", "LSTM"))
      for mode, masks in (("concat", None), ("sum", [_HOLES]))),
    Case(_BI, {**_both("LSTM", return_sequences=True),
               "backward_layer": _layer("LSTM", units=6, return_sequences=True, go_backwards=True)}, [(2, 3, 5)],
         why="another number of units"),
    *(Case(_BI, {**_both("LSTM"), "backward_layer": _layer("LSTM", units=4, go_backwards=True, **config)}, [(2, 3, 5)],
           why="another function or bias") for config in ({"activation": "relu"}, {"use_bias": False})),
    Case(_BI, {"layer": _layer("GRU", units=4, go_backwards=True, return_sequences=True),
               "backward_layer": _layer("GRU", units=4, return_sequences=True)}, [(2, 3, 5)], why="the other way round"),
    *(Case(_BI, {"layer": _layer("RNN", cell=cell, **returns)}, [(2, 3, 5)], masks=masks)
      for cell, returns, masks in (
          (_CELL, {}, None), (_CELL, {"return_sequences": True}, [_HOLES]),
          (_stack(4, 6), {"return_sequences": True}, None), (_stack(4, 4), {}, [_HOLES]))),
    *(Case(_BI, {"layer": _layer("ConvLSTM2D", filters=7, kernel_size=2, padding="same", **returns), "merge_mode": mode},
           [(2, 3, 6, 5, 4)], masks=masks)
      for mode in ("concat", "ave") for returns, masks in (({}, None), ({"return_sequences": True}, [_HOLES]))),
    Case(_BI, _both("LSTM", return_sequences=True), [(1, 3, 5)], why="one sample"),
    Case(_BI, _both("LSTM", return_sequences=True), [(2, 1, 5)], why="one step"),
    Case(_BI, _both("GRU", return_sequences=True), [(0, 3, 5)], why="an empty batch"),
    Case(_BI, _both("LSTM", return_sequences=True), [(2, 3, 1)]),
    Case(_BI, _both("LSTM", return_sequences=True), [integers(2, 3, 5, high=4)], why="integers"),
    Case(_BI, {**_both("LSTM"), "name": "ways"}, [(2, 3, 5)]),
    Case(_BI, {**_both("LSTM"), "activity_regularizer": "l1"}, [(2, 3, 5)]),
    Case(_BI, {**_both("LSTM"), "weights": [values(((1.0,) * 16,) * 5), values(((2.0,) * 16,) * 4), values((0.5,) * 16),
                                            values(((1.0,) * 16,) * 5), values(((2.0,) * 16,) * 4), values((0.5,) * 16)]},
         [(2, 3, 5)]),
    *(Case(_BI, _both(name, mode, **_STATES, **_NARROW), [(2, 3, 5)], masks=masks, dtype=dtype)
      for name, mode, masks in (("LSTM", "concat", None), ("LSTM", "ave", [_HOLES]), ("GRU", "ave", [_HOLES]),
                                ("SimpleRNN", "concat", None))
      for dtype in ("float64", "float16", "bfloat16", "mixed_float16", "mixed_bfloat16")),
    Case(_BI, _both("LSTM", "join"), [(2, 3, 5)], raises=True),
    Case(_BI, _both("LSTM", ""), [(2, 3, 5)], raises=True),
    Case(_BI, {"layer": 3}, [(2, 3, 5)], raises=True),
    Case(_BI, {"layer": _layer("Dense", units=4)}, [(2, 3, 5)], raises=True, why="it goes nowhere"),
    Case(_BI, {**_both("LSTM"), "backward_layer": 3}, [(2, 3, 5)], raises=True),
    Case(_BI, {**_both("LSTM"), "backward_layer": _layer("LSTM", units=4)}, [(2, 3, 5)], raises=True, why="the same way"),
    *(Case(_BI, {**_both("LSTM"), "backward_layer": _layer("LSTM", units=4, go_backwards=True, **{name: True})}, [(2, 3, 5)],
           raises=True) for name in ("stateful", "return_sequences", "return_state")),
    Case(_BI, {**_both("LSTM", "sum"), "backward_layer": _layer("LSTM", units=6, go_backwards=True)}, [(2, 3, 5)],
         raises=True, why="outputs of different sizes have no sum"),
    Case(_BI, _both("LSTM"), [(2, 5)], raises=True, why="no steps"),
    Case(_BI, _both("LSTM"), [(2, 3, 5)], {"initial_state": [(2, 4), (2, 4)]}, raises=True, why="too few states"),
]  # fmt: skip

# The same sample again and again: what differs was dropped. Weights that don't train: gradients of them are no samples.
_ALIKE = Array((5000, 3, 1, 1, 2), "uniform", low=1.0, high=1.0)
_SAMPLES = [
    *(Case("ConvLSTM2D", {"filters": 1, "kernel_size": 1, "trainable": False, "dropout": rate, "recurrent_dropout": other,
                          "seed": seed}, [_ALIKE], training=True, statistical=True, why="one mask for all steps")
      for rate, other, seed in ((0.3, 0.0, None), (0.0, 0.4, 3), (0.6, 0.2, None))),
    *(Case(_TIME, {"layer": _layer("Dropout", rate=0.4, seed=seed)}, [Array((100, 40, 5), "uniform", low=1.0, high=1.0)],
           training=True, statistical=True, why="other values at each step") for seed in (None, 7)),
    Case(_TIME, {"layer": _layer("Dropout", rate=0.4, noise_shape=(1, None))},
         [Array((4, 3, 5000), "uniform", low=1.0, high=1.0)], training=True, statistical=True, why="the same for the batch"),
    *(Case(_BI, {**_both(name, None, dropout=0.4), "trainable": False}, [Array((5000, 2, 2), "uniform", low=1.0, high=1.0)],
           training=True, statistical=True) for name in ("LSTM", "SimpleRNN")),
]  # fmt: skip

_MODELS = [
    _model(steps_of_a_small_network, [(2, 3, 5, 4, 2)]),
    _model(steps_of_a_small_network, [(2, 3, 5, 4, 2)], training=True),
    _model(steps_of_a_normalizing_network, [(4, 3, 5)]),
    _model(steps_of_a_normalizing_network, [(4, 3, 5)], training=True),
    _model(steps_of_operations, [(2, 3, 5)]),
    _model(steps_of_masks, [integers(2, 4, 3, high=6)]),
    _model(tagger, [integers(2, 3, high=7)]),
    _model(states_of_an_encoder, [[(6, 3, 4), (6, 2, 5)]]),
    _model(images_of_a_video, [(3, 2, 5, 4, 6)]),
]

CASES = [*_TIME_DISTRIBUTED, *_BIDIRECTIONAL, *_CONV_LSTM, *_SAMPLES, *_MODELS]
