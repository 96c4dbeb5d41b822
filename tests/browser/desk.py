"""The session page as a test sees it: what stands on it, and hands that write as a person does."""

import re
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, Page, WebSocketRoute, expect

from tests.house import House

WATCH = """card => {
  window.steps = [];
  const list = document.querySelector("[data-part=inspirations]");
  const note = () => {
    const verse = list.querySelectorAll(".inspiration:first-child .verse")[card];
    const text = verse ? [...verse.children].map((line) => line.textContent).join("\\n") : "";
    if (text.trim() && text !== window.steps.at(-1)) window.steps.push(text);
  };
  new MutationObserver(note).observe(list, { subtree: true, childList: true, characterData: true });
}"""
LATE = 40_000  # milliseconds a text may take on a busy machine


class Line:
    """The socket of one page, which a test may cut and mend."""

    def __init__(self, page: Page) -> None:
        self.cut = False
        self._open: list[WebSocketRoute] = []
        page.route_web_socket(re.compile("/ws/"), self._route)

    def break_off(self) -> None:
        self.cut = True
        for line in self._open:
            line.close()
        self._open.clear()

    def mend(self) -> None:
        self.cut = False

    def _route(self, line: WebSocketRoute) -> None:
        if self.cut:
            line.close()
        else:
            line.connect_to_server()
            self._open.append(line)


class Desk:
    """One tab."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.editor = page.locator(".cm-content[contenteditable=true]")
        self.state = page.locator("[data-part=state]")
        self.count = page.locator("[data-part=count]")
        self.lines = page.locator("[data-part=lines]")
        self.heard = page.locator("[data-part=heard]")
        self.cards = page.locator(".inspiration:first-child .candidate")
        self.verse = self.cards.first.locator(".verse-line:not(:empty)")
        self.finished = page.locator(":is([data-status=done], [data-status=stopped])")

    def open(self, url: str) -> "Desk":
        self.page.goto(url)
        return self.ready()

    def ready(self) -> "Desk":
        expect(self.editor).to_be_visible()
        return self

    @property
    def text(self) -> str:
        lines: list[str] = self.editor.locator(".cm-line").evaluate_all(
            "lines => lines.map(line => line.querySelector('.cm-placeholder') ? '' : line.textContent)"
        )
        return "\n".join(lines)

    def come_to_the_text(self) -> None:
        """Focus, until the editor has set the cursor where it was; a key pressed before that would start at the top."""
        self.editor.focus()
        expect(self.page.locator(".cm-editor.cm-focused")).to_be_visible()

    def type(self, text: str) -> None:
        self.come_to_the_text()
        self.page.keyboard.type(text)

    def saved(self) -> None:
        expect(self.state).to_have_text("已保存", timeout=15_000)

    def compose(self, *stages: str, commit: str) -> None:
        """What an input method does: one composition through its stages, then the text that she chose."""
        self.come_to_the_text()
        session = self.page.context.new_cdp_session(self.page)
        for stage in stages:
            told = {"text": stage, "selectionStart": len(stage), "selectionEnd": len(stage)}
            session.send("Input.imeSetComposition", told)
        session.send("Input.insertText", {"text": commit})
        session.detach()

    def choose(self, form: str) -> None:
        """A form, by its group and then by its own radio button."""
        group = self.page.locator("[data-group]").filter(has=self.page.locator(f"input[value={form}]"))
        name = group.get_attribute("data-group")
        self.page.locator(f"input[name=group][value={name}]").check(force=True)
        self.page.locator(f"input[name=form][value={form}]").check(force=True)

    def ask(self, form: str, wish: str) -> None:
        """With the keys: the form by its radio button, then Ctrl+Enter from the wish."""
        self.choose(form)
        self.page.locator("#wish").fill(wish)
        self.page.locator("#wish").press("Control+Enter")

    def watch(self, card: int = 0) -> None:
        """From here on the growing of a candidate of the newest inspiration is written down."""
        self.page.evaluate(WATCH, card)

    def candidate(self, card: int = 0) -> str:
        """The id of a candidate of the newest inspiration."""
        return self.cards.nth(card).get_attribute("data-candidate") or ""

    @property
    def steps(self) -> list[str]:
        steps: list[str] = self.page.evaluate("window.steps")
        return steps

    def written(self, card: int = 0, status: str = "done") -> str:
        """Waits for the end of a candidate of the newest inspiration; answers its text."""
        expect(self.cards.nth(card)).to_have_attribute("data-status", status, timeout=LATE)
        lines: list[str] = (
            self.cards.nth(card).locator(".verse-line").evaluate_all("lines => lines.map(line => line.textContent)")
        )
        return "\n".join(lines)


class Tables:
    """Opens desks: writers with a session begun, each in a browser context of her own."""

    def __init__(self, browser: Browser, house: House) -> None:
        self.browser, self.house = browser, house
        self.contexts: list[BrowserContext] = []
        self.faults: list[str] = []  # what any page complained of
        self.requested: set[str] = set()  # the hosts that were asked for anything
        self._guests = 0

    def context(self, cookie: str = "", **options: object) -> BrowserContext:
        settings: dict[str, object] = {"locale": "zh-CN", "viewport": {"width": 1280, "height": 800}} | options
        context = self.browser.new_context(**settings)  # type: ignore[arg-type]
        if cookie:
            host = urlsplit(self.house.url).hostname or ""
            context.add_cookies([{"name": "session", "value": cookie, "domain": host, "path": "/"}])
        context.on("weberror", lambda fault: self.faults.append(str(fault.error)))
        context.on("console", lambda said: self._note(said.type, said.text))
        context.on("request", lambda request: self.requested.add(urlsplit(request.url).netloc))
        self.contexts.append(context)
        return context

    def _note(self, kind: str, text: str) -> None:
        if kind == "error" and "WebSocket" not in text and "ERR_" not in text:  # a cut line is told there too
            self.faults.append(text)

    def guest(self) -> tuple[str, str]:
        """A new writer: (cookie, the address of her session)."""
        self._guests += 1
        [(cookie, session)] = self.house.sit_down(f"writer{self._guests}")
        return cookie, f"{self.house.url}/sessions/{session}/"

    def sit(self, **options: object) -> Desk:
        """A guest at her page."""
        cookie, url = self.guest()
        return Desk(self.context(cookie, **options).new_page()).open(url)

    def leave(self) -> None:
        """Everybody goes; no page may have complained, or asked another host for anything."""
        for context in self.contexts:
            context.close()
        self.contexts.clear()
        faults, self.faults = self.faults, []
        assert faults == []
        assert self.requested <= {urlsplit(self.house.url).netloc}
