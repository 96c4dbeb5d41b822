"""A quatrain asked and finished in a real browser, as its writer waits for it: a key pressed, characters on the page.

    python -m bench.page [--model FILE] [--rounds 8]

Without a model the one that MODEL names is taken. Each ask is for two blind texts, as the page always asks. The wish is
typed as a person types, so the engine reads ahead as it would for her. Browser, house and engine share the cores.
"""

import argparse
import os
import time
from pathlib import Path

from playwright.sync_api import sync_playwright

from bench.embedded import HINTED, PAUSE, STRAIGHT, THROUGH
from bench.figures import in_ms
from inference.embedded import cores
from inference.models.catalogue import DEFAULT
from inference.supply import from_environment
from tests.browser.conftest import CHROMIUM, FLAGS
from tests.browser.desk import LATE, Desk, Tables
from tests.house import RealEngine, house
from tests.processes import wait_until

WISHES = (*THROUGH, *HINTED, *STRAIGHT)
KEY = 150  # milliseconds between two characters of a wish
SPACE = 2.0  # seconds between two asks
SELDOM = 500  # milliseconds between two looks from here: each costs the page what the engine could have
MOMENTS = ("first character", "first text whole", "both texts whole")
# The page itself writes down the moments, in seconds since her key; a poem is whole when its last mark is there to see.
WATCH = """() => {
  const list = document.querySelector("[data-part=inspirations]");
  const last = (card) => [...card.querySelectorAll(".verse-line:not(:empty)")].at(-1)?.textContent ?? "";
  let pressed = 0, before = 0;
  document.querySelector("#wish").addEventListener("keydown", (key) => {
    if (key.key !== "Enter") return;
    [pressed, before, window.moments] = [performance.now(), list.querySelectorAll(".inspiration").length, []];
  });
  const look = () => {
    if (list.querySelectorAll(".inspiration").length === before) return;
    const cards = [...list.querySelectorAll(".inspiration:first-child .candidate")];
    const whole = cards.filter((card) => card.dataset.status === "done" && last(card).endsWith("。")).length;
    const reached = whole ? whole + 1 : cards.some(last) ? 1 : 0;
    while (window.moments.length < reached) window.moments.push((performance.now() - pressed) / 1000);
  };
  new MutationObserver(look).observe(list, { subtree: true, childList: true, characterData: true, attributes: true });
}"""


def ask(desk: Desk, wish: str) -> list[float]:
    """Seconds from the key to each of the moments."""
    field = desk.page.locator("#wish")
    field.fill("")
    field.press_sequentially(wish, delay=KEY)
    time.sleep(PAUSE)
    field.press("Control+Enter")
    desk.page.wait_for_function(f"() => window.moments.length === {len(MOMENTS)}", polling=SELDOM, timeout=LATE)
    seconds: list[float] = desk.page.evaluate("window.moments")
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, help="a GGUF file")
    parser.add_argument("--rounds", type=int, default=8, help=f"asks, {len(WISHES)} at most: no wish is told twice")
    asked = parser.parse_args()
    model = asked.model or from_environment().find(os.environ.get("MODEL", DEFAULT))
    with house(RealEngine(model, cores())) as built, sync_playwright() as player:
        wait_until(lambda: "prompts computed" in built.log("engine"), within=600, what="the prompts to be computed")
        desk = Tables(player.chromium.launch(executable_path=CHROMIUM, args=FLAGS), built).sit()
        desk.page.evaluate(WATCH)
        desk.choose("wujue")
        seen = []
        for wish in WISHES[: asked.rounds]:
            time.sleep(SPACE)
            seen.append(ask(desk, wish))
    print(f"{model.name}: 五绝, two texts an ask, {len(seen)} wishes")
    for name, seconds in zip(MOMENTS, zip(*seen, strict=True), strict=True):
        print(f"  {name:18} {in_ms(list(seconds))}")


if __name__ == "__main__":
    main()
