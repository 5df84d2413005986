"""By hand: small sequence models."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from parity.bench.handwritten.attention import Heads
from torch_layers.layers.weights import Layout


class Encoder(nn.Module):
    """Attention and two linear layers, each added to what it was given and normalized: modules of torch.nn."""

    layouts = (*Heads.layouts, "c -> c", "c -> c", "i o -> o i", "o -> o", "i o -> o i", "o -> o", "c -> c", "c -> c")

    def __init__(self, *weights: Tensor) -> None:
        super().__init__()
        self.heads = Heads(*weights[:4])
        width, wide = weights[6].shape
        self.first = nn.LayerNorm(width, eps=1e-3)
        self.widen, self.narrow = nn.Linear(width, wide), nn.Linear(wide, width)
        self.second = nn.LayerNorm(width, eps=1e-3)
        made = [Layout(p).to_torch(w).contiguous() for p, w in zip(self.layouts[4:], weights[4:], strict=True)]
        for module in (self.first, self.widen, self.narrow, self.second):
            module.weight, module.bias = (nn.Parameter(made.pop(0)) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x + self.heads(x, x))
        y: Tensor = self.second(x + self.narrow(F.relu(self.widen(x))))
        return y


class Tagger(nn.Module):
    """Embedding, nn.LSTM both ways over packed sentences, a linear layer and softmax."""

    layouts = ("w d -> w d", *("i o -> o i", "i o -> o i", "o -> o") * 2, "i o -> o i", "o -> o")

    def __init__(self, *weights: Tensor) -> None:
        super().__init__()
        made = [nn.Parameter(Layout(p).to_torch(w).contiguous()) for p, w in zip(self.layouts, weights, strict=True)]
        self.weights = nn.ParameterList(made)
        # nn.LSTM would train a second bias for each direction.
        self.register_buffer("zeros", torch.zeros_like(made[3]))

    def forward(self, tokens: Tensor) -> Tensor:
        table, *w, weight, bias = self.weights
        x = F.embedding(tokens, table)
        packed = pack_padded_sequence(x, (tokens != 0).sum(1).cpu(), batch_first=True, enforce_sorted=False)
        first = x.new_zeros(2, x.shape[0], w[1].shape[1])
        kernels = [w[0], w[1], w[2], self.zeros, w[3], w[4], w[5], self.zeros]
        train = torch.is_grad_enabled()
        outputs = torch.lstm(packed.data, packed.batch_sizes, (first, first), kernels, True, 1, 0.0, train, True)[0]
        y, _ = pad_packed_sequence(packed._replace(data=outputs), batch_first=True, total_length=tokens.shape[1])
        return F.linear(y, weight, bias).softmax(-1)
