// The sentences of the page, which the server translated, and numbers as the reader writes them.

const words = JSON.parse(document.getElementById("words").textContent);
const { lang } = document.documentElement;
const plural = new Intl.PluralRules(lang);
const number = new Intl.NumberFormat(lang);

/** The sentence for `key`, its {places} filled. */
export function word(key, values = {}) {
  if (!(key in words)) throw new Error(`no words for ${key}`);
  return words[key].replace(/\{(\w+)\}/g, (_, name) => (typeof values[name] === "number" ? number.format(values[name]) : values[name]));
}

/** As `word`, in the form that the language has for `values.n`. */
export function counted(key, values) {
  return word(`${key}_${plural.select(values.n) === "one" ? "one" : "other"}`, values);
}
