"""How long torch_layers takes, beside torch by hand and Keras on two backends. It measures; it judges nothing."""

from parity.bench import files_report
from parity.bench.measure import Bench, Measured, Ratio, bench
from parity.bench.process import Failed
from parity.bench.report import show, write_json
from parity.bench.rows import MODES, ROWS, Row, select_rows
from parity.bench.run import command, files_command

__all__ = [
    "MODES",
    "ROWS",
    "Bench",
    "Failed",
    "Measured",
    "Ratio",
    "Row",
    "bench",
    "command",
    "files_command",
    "files_report",
    "select_rows",
    "show",
    "write_json",
]
