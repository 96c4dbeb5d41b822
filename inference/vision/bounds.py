"""What both sides of the gate agree on; the side that does not open pictures loads no decoder for it."""

MOST_BYTES = 12 << 20
MOST_PIXELS = 40_000_000
SIDE = 1536  # pixels; what a model needs
CODES = ("empty", "too_big", "too_many_pixels", "odd_shape", "not_a_picture", "broken", "too_long", "full")
