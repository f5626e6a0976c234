"""A frozen stack of 3 × 3 convolutions with rectifiers and poolings: what VGG16 and VGGish have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from torch.nn import functional

from ..errors import BadParameter, did_you_mean


class Stack:
    """Convolutions in order, kernels and activations channels-last.

    Args:
        kernels: by layer, shallow to deep, `(C_out, C_in, 3, 3)`; the first may come several times, for different
            numbers of input planes.
        biases: by layer, `(C_out,)`.
        pooled: layers that see their input's maximum over 2 × 2.
        device: where to compute.
        dtype: bfloat16 or float32.
    """

    def __init__(
        self,
        kernels: Mapping[str, Sequence[Tensor]],
        biases: Mapping[str, Tensor],
        pooled: Sequence[str],
        device: torch.device,
        dtype: torch.dtype,
    ) -> None:
        self.layers = tuple(kernels)
        self._pooled = frozenset(pooled)
        self._device, self._dtype = device, dtype
        self._kernels = {(layer, k.shape[1]): self._laid(k) for layer, several in kernels.items() for k in several}
        self._biases = {layer: bias.to(device, dtype) for layer, bias in biases.items()}

    def features(self, x: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
        """Rectified feature maps `(B, C, H, W)` of the layers asked for, of `(B, C_in, H, W)`.

        Raises:
            BadParameter: a layer that the loaded weights do not reach.
        """
        for name in layers:
            if name not in self.layers:
                raise BadParameter(f"layer {name!r} is not in the loaded weights", did_you_mean(name, self.layers))
        found: dict[str, Tensor] = {}
        x = self._laid(x)
        for name in self.layers:
            if len(found) == len(set(layers)):
                break
            if name in self._pooled:
                x = functional.max_pool2d(x, 2, ceil_mode=min(x.shape[2:]) < 2)  # a single frame stays one
            x = functional.relu(functional.conv2d(x, self._kernels[name, x.shape[1]], self._biases[name], padding=1))
            if name in layers:
                found[name] = x
        return found

    def _laid(self, tensor: Tensor) -> Tensor:
        return tensor.to(self._device, self._dtype).contiguous(memory_format=torch.channels_last)
