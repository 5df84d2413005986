"""Cases of the core layers."""

from parity.case import Case, integers

CASES = [
    Case("Dense", {"units": 3}, [(2, 5)]),
    Case("Dense", {"units": 3, "activation": "relu"}, [(7, 5)]),
    Case("Dense", {"units": 4, "use_bias": False}, [(2, 3, 5)]),
    Case("Dense", {"units": 4, "lora_rank": 2, "lora_alpha": 3.0}, [(2, 3, 5)]),
    Case("Dense", {"units": 4}, [integers(2, 3, high=9, low=-9)]),
]
