"""A Chromium and a house with the fake engine for all browser tests, and desks in it for each."""

import os
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.browser.desk import Tables
from tests.house import FakeEngine, House, house

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
FLAGS += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]

expect.set_options(timeout=15_000)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with sync_playwright() as player:
        chromium = player.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="package")
def quiet_house() -> Iterator[House]:
    """The fake engine at a reading pace."""
    with house(FakeEngine(rate=25.0)) as built:
        yield built


@pytest.fixture(scope="package")
def _tables(browser: Browser, quiet_house: House) -> Tables:
    return Tables(browser, quiet_house)


@pytest.fixture
def tables(_tables: Tables) -> Iterator[Tables]:
    """Whoever sat here has left afterwards."""
    yield _tables
    _tables.leave()
