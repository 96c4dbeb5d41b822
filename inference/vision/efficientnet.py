"""EfficientNet-Lite2 on numpy: a picture in, a probability for each of ImageNet's thousand classes out.

Tan and Le 2019 (arXiv 1905.11946), in the Lite form: ReLU6 and no squeeze-and-excitation. docs/photos.md says
why this is not PyTorch. Arrays are (height, width, channels), so that most of the work is one product of matrices.
"""

from typing import Any

import numpy as np
from PIL import Image

Array = np.ndarray[Any, Any]

SIDE = 260  # pixels
CROP = 0.89  # of the shorter side, as the weights were judged
REPEATS = (1, 3, 3, 4, 4, 5, 1)
STRIDES = (1, 2, 2, 2, 1, 2, 1)  # of a stage's first block
EPSILON = 1e-3


class EfficientNet:
    """The network with its weights; batch normalisation is folded into the convolutions."""

    def __init__(self, weights: dict[str, Array]) -> None:
        self._weights = weights
        strides = [
            stride if n == 0 else 1 for count, stride in zip(REPEATS, STRIDES, strict=True) for n in range(count)
        ]
        self._strides = strides

    def classify(self, picture: Image.Image) -> Array:
        """Probabilities, (1000,)."""
        seen = self._stem(_prepared(picture))
        for number, stride in enumerate(self._strides):
            seen = self._block(f"_blocks.{number}.", seen, stride)
        head = _relu6(self._pointwise("_conv_head", "_bn1", seen)).mean(axis=(0, 1))
        scores = self._weights["_fc.weight"] @ head + self._weights["_fc.bias"]
        likely = np.exp(scores - scores.max())
        return np.asarray(likely / likely.sum())

    def _stem(self, picture: Array) -> Array:
        weight, bias = self._folded("_conv_stem", "_bn0")
        padded = _padded(picture, 3, 2)
        windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(0, 1))[::2, ::2]
        return _relu6(windows.reshape(*windows.shape[:2], -1) @ weight.reshape(len(weight), -1).T + bias)

    def _block(self, name: str, given: Array, stride: int) -> Array:
        seen = given
        if f"{name}_expand_conv.weight" in self._weights:
            seen = _relu6(self._pointwise(f"{name}_expand_conv", f"{name}_bn0", seen))
        seen = _relu6(self._depthwise(name, seen, stride))
        seen = self._pointwise(f"{name}_project_conv", f"{name}_bn2", seen)
        return seen + given if seen.shape == given.shape else seen

    def _pointwise(self, conv: str, norm: str, given: Array) -> Array:
        weight, bias = self._folded(conv, norm)
        return np.asarray(given @ weight[:, :, 0, 0].T + bias)

    def _depthwise(self, name: str, given: Array, stride: int) -> Array:
        weight, bias = self._folded(f"{name}_depthwise_conv", f"{name}_bn1")
        side = weight.shape[-1]
        padded = _padded(given, side, stride)
        high, wide = -(-given.shape[0] // stride), -(-given.shape[1] // stride)
        out = np.broadcast_to(bias, (high, wide, len(bias))).copy()
        for row in range(side):
            for column in range(side):
                part = padded[row : row + high * stride : stride, column : column + wide * stride : stride]
                out += part[:high, :wide] * weight[:, 0, row, column]
        return out

    def _folded(self, conv: str, norm: str) -> tuple[Array, Array]:
        read = self._weights
        scale = read[f"{norm}.weight"] / np.sqrt(read[f"{norm}.running_var"] + EPSILON)
        bias = read[f"{norm}.bias"] - read[f"{norm}.running_mean"] * scale
        return read[f"{conv}.weight"] * scale[:, None, None, None], bias


def _prepared(picture: Image.Image) -> Array:
    """The middle of it, from -1 to 1."""
    side = min(picture.size) * CROP
    left, top = (picture.width - side) / 2, (picture.height - side) / 2
    box = (left, top, left + side, top + side)
    small = picture.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BICUBIC, box=box, reducing_gap=3.0)
    return np.asarray(small, dtype=np.float32) / 127.5 - 1.0


def _relu6(given: Array) -> Array:
    return np.clip(given, 0.0, 6.0, out=given)


def _padded(given: Array, kernel: int, stride: int) -> Array:
    """Padding as TensorFlow's SAME does it, where the weights come from: what is odd goes behind."""
    around = []
    for size in given.shape[:2]:
        most = max(0, (-(-size // stride) - 1) * stride + kernel - size)
        around.append((most // 2, most - most // 2))
    return np.pad(given, (*around, (0, 0)))
