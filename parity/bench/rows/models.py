"""Whole models of Keras's own, as converted and as optimized for inference."""

from parity.bench.rows.row import Row, whole_model

ROWS: tuple[Row, ...] = (
    whole_model("MobileNetV2", 8),
    whole_model("ResNet50", 4),
    whole_model("EfficientNetB0", 4),
    whole_model("DenseNet121", 4),
)
