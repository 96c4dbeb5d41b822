// The manuscript on a bad day: two tabs, one server, a line that drops and cuts, pages that crash.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { page } from "./page.mjs";
import { random } from "./random.mjs";
import { ModelServer } from "./server.mjs";

describe("whatever happens on the way", () => {
  for (let seed = 1; seed <= 300; seed += 1) {
    const answers = seed % 3 ? ["mine", "theirs", "both"] : ["both"];
    test(`two tabs lose nothing and end alike (seed ${seed})`, () => journey(seed, answers));
  }
});

/** Two tabs, one server, a line that drops and cuts, pages that crash; then calm. */
function journey(seed, answers) {
  const roll = random(seed);
  const server = new ModelServer();
  server.forgetful = () => roll.chance(0.05);
  const typed = [];
  const tabs = ["a", "b"].map((name) => ({ name, lives: 0, toServer: [], toPage: [] }));
  let [now, rough] = [0, true];
  const open = (tab, copy) => {
    tab.lives += 1;
    tab.page = page({ copy, name: `${tab.name}${tab.lives}` });
    Object.assign(tab, { connected: false, composing: false, toServer: [], toPage: [] });
    tab.page.out = { push: (message) => tab.connected && tab.toServer.push(message) };
  };
  const connect = (tab) => {
    tab.connected = true;
    tab.page.manuscript.hello(structuredClone(server.now), now);
  };
  const cut = (tab) => {
    tab.connected = false;
    if (roll.chance(0.5)) while (tab.toServer.length && roll.chance(0.7)) serve(tab); // some arrived, no answer does
    Object.assign(tab, { toServer: [], toPage: [] });
    tab.page.manuscript.offline();
  };
  const serve = (tab) => {
    const { answer, revision } = server.save(tab.toServer.shift());
    tab.toPage.push(answer);
    for (const other of tabs) if (other !== tab && other.connected && revision && !(rough && roll.chance(0.1))) other.toPage.push(revision);
  };
  const write = (tab) => {
    if (!tab.page.manuscript.editable) return;
    const token = `<${tab.name}${typed.length}>`;
    const cuts = [...tab.page.screen.matchAll(/<[ab]\d+>|\s/g)].map(({ index }) => index).concat(tab.page.screen.length);
    const at = roll.pick(cuts);
    typed.push(token);
    tab.page.type(tab.page.screen.slice(0, at) + token + tab.page.screen.slice(at), now);
  };
  const crash = (tab) => {
    const copy = structuredClone(tab.page.manuscript.copy());
    const last = tab.page.manuscript.farewell();
    if (last && roll.chance(0.5)) server.save(structuredClone(last));
    open(tab, copy);
  };
  const compose = (tab) => tab.page.manuscript.compose((tab.composing = !tab.composing), now);
  const choose = (tab) => tab.page.manuscript.conflict && tab.page.manuscript.choose(roll.pick(answers), now);
  const hear = (tab) => tab.toPage.length && tab.page.manuscript.received(tab.toPage.shift(), now);
  const step = (tab) => {
    const dice = roll.below(100);
    if (!tab.connected && dice < 30) connect(tab);
    else if (dice < 35) write(tab);
    else if (dice < 55) tab.toServer.length && serve(tab);
    else if (dice < 75) hear(tab);
    else if (dice < 79) tab.connected && cut(tab);
    else if (dice < 81) crash(tab);
    else if (dice < 87) choose(tab);
    else if (dice < 91) compose(tab);
    else tab.page.manuscript.settle(now);
  };
  for (const tab of tabs) open(tab, null);
  for (let steps = 0; steps < 400; steps += 1) {
    now += roll.below(1500);
    step(roll.pick(tabs));
  }
  rough = false;
  for (const tab of tabs) if (tab.connected) cut(tab);
  for (let calm = 0; calm < 60; calm += 1) {
    for (const tab of tabs) {
      now += 4000;
      if (tab.composing) compose(tab);
      if (!tab.connected || tab.page.again) connect(tab);
      tab.page.again = 0;
      choose(tab);
      tab.page.manuscript.settle(now);
      while (tab.toServer.length) serve(tab);
      while (tab.toPage.length) hear(tab);
    }
  }
  for (const tab of tabs) {
    assert.equal(tab.page.manuscript.state, "saved");
    assert.equal(tab.page.screen, server.now.text);
  }
  const everKept = [...server.kept, ...server.revisions.map(({ text }) => text)].join();
  for (const token of typed) assert.ok(everKept.includes(token), `${token} is gone`);
  if (answers.length === 1) for (const token of typed) assert.ok(server.now.text.includes(token), `${token} left the page`);
  const tokens = server.now.text.match(/<[ab]\d+>/g) ?? [];
  assert.equal(tokens.join(""), server.now.text.replaceAll(/\s/g, ""), "a token was cut");
}
