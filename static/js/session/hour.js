// The hour of her own clock as a word for a poem. It is read when she asks for it, and goes nowhere but into that word.

import { word } from "./words.js";

const UNTIL = [[5, "night"], [10, "morning"], [14, "noon"], [17, "afternoon"], [20, "dusk"], [24, "night"]];

export function hour(now = new Date()) {
  const [, name] = UNTIL.find(([until]) => now.getHours() < until);
  return word(`photo_hour_${name}`);
}
