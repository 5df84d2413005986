"""Cases of the initializers. Those that draw are compared as distributions, in samples of about 60000."""

from parity.case import Case, each, values

# fan_in, fan_out and their mean are far enough apart for a sample to tell which one counts.
MATRIX, KERNEL, CUBE, VECTOR = (200, 300), (3, 5, 40, 110), (5, 100, 120), (60000,)

_CONSTANTS = [
    *(
        Case(name, {}, [shape])
        for name in ("Zeros", "Ones", "Constant")
        for shape in ((2, 3), (), (4,), (2, 3, 1, 4), (0, 3))
    ),
    Case("Constant", {"value": 0.3}, [(2, 3)]),
    Case("Constant", {"value": -2}, [(5,)]),
    Case("Constant", {"value": values([0.25, -1.0, 3.0])}, [(2, 3)], why="an array broadcasts"),
    Case("Constant", {"value": values([0.25, -1.0])}, [(2, 3)], raises=True),
    Case("Identity", {}, [(3, 3)]),
    Case("Identity", {"gain": 0.3}, [(2, 5)]),
    Case("Identity", {"gain": -2.0}, [(4, 3)]),
    Case("Identity", {}, [(3,)], raises=True),
    Case("Identity", {}, [(2, 3, 4)], raises=True),
    Case("IdentityInitializer", {"gain": 0.5}, [(3, 2)]),
]

_STFT = [
    Case("STFT", {}, [(8, 1, 5)]),
    Case("STFT", {"side": "imag"}, [(8, 1, 5)]),
    Case("STFT", {"window": None}, [(7, 1, 6)]),
    *(
        Case("STFT", {"window": window, "periodic": periodic}, [(9, 1, 7)])
        for window in ("hann", "hamming", "blackman", "bartlett", "boxcar", "cosine", "triang", "parzen", "bohman")
        for periodic in (False, True)
    ),
    *(
        Case("STFT", {"window": window}, [(10, 1, 4)])
        for window in ("nuttall", "flattop", "blackmanharris", "barthann", "exponential", "lanczos", "taylor", "tukey")
    ),
    Case("STFT", {"window": values([0.5, 1.0, 2.0, 1.0, 0.25])}, [(5, 1, 4)]),
    Case("STFT", {"scaling": "spectrum"}, [(8, 1, 5)]),
    Case("STFT", {"scaling": "spectrum", "side": "imag", "window": "hamming", "periodic": True}, [(6, 1, 5)]),
    Case("STFT", {"scaling": None}, [(8, 1, 5)]),
    Case("STFT", {"periodic": True}, [(8, 1, 5)]),
    Case("STFTInitializer", {}, [(4, 1, 3)]),
    Case("STFT", {"side": "left"}, [(8, 1, 5)], raises=True),
    Case("STFT", {"window": "hanning window"}, [(8, 1, 5)], raises=True),
    Case("STFT", {"scaling": "power"}, [(8, 1, 5)], raises=True),
]

_SCALED = ("GlorotUniform", "GlorotNormal", "LecunUniform", "LecunNormal", "HeUniform", "HeNormal")
_SAMPLES = [
    Case("RandomNormal", {"seed": 1}, [VECTOR]),
    Case("RandomNormal", {"mean": 0.5, "stddev": 2.0, "seed": 2}, [CUBE]),
    Case("TruncatedNormal", {"seed": 3}, [VECTOR], why="cut at two standard deviations, and not corrected for it"),
    Case("TruncatedNormal", {"mean": -1.0, "stddev": 0.5, "seed": 4}, [KERNEL]),
    Case("RandomUniform", {"seed": 5}, [VECTOR]),
    Case("RandomUniform", {"minval": 0.25, "maxval": 3.0, "seed": 6}, [MATRIX]),
    *(
        Case(name, {"seed": seed, **axes}, [shape])
        for name in _SCALED
        for seed, (shape, axes) in enumerate(
            (
                (MATRIX, {}),
                (KERNEL, {}),
                (VECTOR, {}),
                (CUBE, {"input_axes": [0], "output_axes": [1, 2]}),
                (CUBE, {"input_axes": [0, 1], "output_axes": [-1]}),
            )
        )
    ),
    Case("VarianceScaling", {"seed": 7}, [MATRIX]),
    *(
        Case("VarianceScaling", {"scale": 0.5, "mode": mode, "distribution": distribution, "seed": 8}, [KERNEL])
        for mode in ("fan_in", "fan_out", "fan_avg")
        for distribution in ("uniform", "truncated_normal", "untruncated_normal")
    ),
    Case("VarianceScaling", {"mode": "fan_out", "distribution": "normal", "seed": 9}, [MATRIX], why="means truncated"),
    Case("VarianceScaling", {"mode": "fan_avg", "input_axes": [0], "output_axes": [1, 2], "seed": 10}, [CUBE]),
    Case("VarianceScaling", {"input_axes": [1], "seed": 11}, [CUBE], why="alone, `input_axes` counts for nothing"),
    Case("Orthogonal", {"seed": 12}, [(240, 250)]),
    Case("Orthogonal", {"gain": 0.5, "seed": 13}, [(250, 240)], why="more rows than columns"),
    Case("Orthogonal", {"seed": 14}, [(3, 4, 20, 250)], why="all axes but the last are rows"),
    Case("OrthogonalInitializer", {"seed": 15}, [(200, 300)]),
]

_REFUSED = [
    Case("Initializer", {}, [(2, 3)], raises=True),
    Case("Orthogonal", {"seed": 1}, [(5,)], raises=True),
    Case("VarianceScaling", {"scale": 0.0}, [(2, 3)], raises=True),
    Case("VarianceScaling", {"mode": "fan"}, [(2, 3)], raises=True),
    Case("VarianceScaling", {"distribution": "gamma"}, [(2, 3)], raises=True),
    Case("RandomNormal", {"seed": "1"}, [(2, 3)], raises=True),
]

_DRAWN = list(each(_SAMPLES, statistical=True))
CASES = list(each([*_CONSTANTS, *_STFT, *_DRAWN, *each(_DRAWN, dtype="float64"), *_REFUSED], kind="initializer"))
