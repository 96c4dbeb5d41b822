"""A child that answers before it has read anything: `python -m tests.inference.vision.deaf`."""

if __name__ == "__main__":
    print("enough", end="")
