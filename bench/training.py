"""What a preference pair costs to learn from, ours beside TRL's, both with the reference cached, in one run:

    python -m bench.training [--prompt 160] [--text 48] [--texts 4] [--threads 2]

The shape is that of the embedded default (0.5 billion weights, 151,936 words), the weights are random, LoRA r=64 on all
seven projections, float32. Each side has a process of its own, warms up once and is measured once: forward, backward,
nothing else. CPU seconds, so that neighbours on the machine do not count. Leaves out: GPUs, optimiser, data.
"""

import argparse
import json
import subprocess
import sys

SIDES = ("ours", "trl")


def measured(side: str, told: argparse.Namespace) -> dict[str, float]:
    sizes = [str(each) for each in (told.prompt, told.text, told.texts, told.threads)]
    command = [sys.executable, "-m", f"bench.training_{side}", *sizes]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.training")
    parser.add_argument("--prompt", type=int, default=160, help="tokens of the prompt")
    parser.add_argument("--text", type=int, default=48, help="tokens of each text")
    parser.add_argument("--texts", type=int, default=4, help="texts under one prompt; TRL takes two at a time")
    parser.add_argument("--threads", type=int, default=2)
    told = parser.parse_args()
    seen = {side: measured(side, told) for side in SIDES}
    print(f"prompt {told.prompt}, text {told.text}, {told.texts} texts, {told.threads} threads")
    for side, each in seen.items():
        print(
            f"  {side:5} {each['cpu'] / each['pairs']:7.2f} CPU s a pair"
            f"   ({each['cpu']:.1f} CPU s, {each['wall']:.1f} s on the clock for {each['pairs']} pairs)"
            f"   peak {each['peak'] / 1e3:.1f} GB"
        )
    ours, trl = (seen[side]["cpu"] / seen[side]["pairs"] for side in SIDES)
    print(f"  ours costs 1/{trl / ours:.1f}")


if __name__ == "__main__":
    main()
