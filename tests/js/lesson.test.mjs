import assert from "node:assert/strict";
import { test } from "node:test";

import { Element, lay } from "./dom.mjs";

lay(["lesson", "lesson_source", "lesson_counts", "lesson_counts_rhymed", "form_haiku", "form_limerick"]);
const { Lesson } = await import("../../static/js/session/lesson.js");

test("letters are explained only where lines rhyme", async () => {
  const lines = { haiku: [{ text: "old pond", size: 5 }], limerick: [{ text: "there was", size: 8, rhyme: "a" }] };
  const read = async (path) => ({ about: "", lessons: [{ lines: lines[path.split("/").at(-1)], language: "en" }] });
  const lesson = new Lesson({ place: new Element("details"), read });
  const said = async (form) => (await lesson.show(form), lesson.body.querySelectorAll("p.help").at(-1).textContent);
  assert.deepEqual([await said("haiku"), await said("limerick")], ["lesson_counts", "lesson_counts_rhymed"]);
});
