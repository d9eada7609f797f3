"""AWSRN as its paper prints it, written plainly: what our training is measured beside.

Each equation is one line, the branches of the tail are convolved one by one, all in float32. Names
of tensors are those of our network, so that both can be given the same weights.
"""

from itertools import count

import torch
from torch import nn
from torch.nn.functional import l1_loss, pixel_shuffle
from torch.nn.utils.parametrizations import weight_norm

MEAN = (0.4488, 0.4371, 0.4040)


def conv(channels_in, channels_out, size):
    return weight_norm(nn.Conv2d(channels_in, channels_out, size, padding=size // 2))


class Weighted(nn.Module):
    def __init__(self):
        super().__init__()
        self.lambda_res = nn.Parameter(torch.tensor(1.0))
        self.lambda_x = nn.Parameter(torch.tensor(1.0))


class Unit(Weighted):
    def __init__(self, channels, inner):
        super().__init__()
        self.body = nn.Sequential(conv(channels, inner, 3), nn.ReLU(), conv(inner, channels, 3))

    def forward(self, x):
        return self.lambda_res * self.body(x) + self.lambda_x * x  # Eq. (6)


class Fusion(Weighted):
    def __init__(self, channels, units):
        super().__init__()
        self.conv = conv(units * channels, channels, 3)

    def forward(self, outputs, x):
        return self.lambda_res * self.conv(torch.cat(outputs, 1)) + self.lambda_x * x  # Eq. (4)


class Tail(nn.Module):
    def __init__(self, channels, scale):
        super().__init__()
        sizes = (3, 5, 7, 9)
        made = {f"k{size}": conv(channels, 3 * scale**2, size) for size in sizes}
        self.branches = nn.ModuleDict(made)
        self.alpha = nn.ParameterDict({name: torch.tensor(0.25) for name in made})

    def forward(self, x):  # Eq. (3)
        return sum(self.alpha[name] * branch(x) for name, branch in self.branches.items())


class Skip(nn.Module):
    def __init__(self, scale):
        super().__init__()
        self.conv = conv(3, 3 * scale**2, 3)


class NaiveAWSRN(nn.Module):
    def __init__(self, *, scale, blocks, units=4, channels=32, inner=128):
        super().__init__()
        self.scale, self.per_block = scale, units
        self.register_buffer("mean", 255 * torch.tensor(MEAN).view(1, 3, 1, 1), persistent=False)
        self.head = conv(3, channels, 3)
        self.units = nn.ModuleList(Unit(channels, inner) for _ in range(blocks * units))
        self.fusions = nn.ModuleList(Fusion(channels, units) for _ in range(blocks))
        self.tail = Tail(channels, scale)
        self.skip = Skip(scale)

    def forward(self, lr):
        normal = (lr - self.mean) / 127.5
        x = self.head(normal)
        for number, fusion in enumerate(self.fusions):
            outputs, before = [], x
            for unit in self.units[number * self.per_block : (number + 1) * self.per_block]:
                x = unit(x)
                outputs.append(x)
            x = fusion(outputs, before)
        sr = pixel_shuffle(self.tail(x), self.scale)
        sr = sr + pixel_shuffle(self.skip.conv(normal), self.scale)
        return sr * 127.5 + self.mean


def steps(network, *, scale, patch):
    """Train on one batch of 16 patches of noise in float32 without end, a step at a time."""
    lr = torch.randint(0, 255, (16, 3, patch, patch), dtype=torch.uint8)
    hr = torch.randint(0, 255, (16, 3, patch * scale, patch * scale), dtype=torch.uint8)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-4)
    for _ in count():
        optimizer.zero_grad()
        loss = l1_loss(network(lr.float()), hr.float())
        loss.backward()
        optimizer.step()
        yield loss.item()
