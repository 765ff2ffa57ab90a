// The texts of the playground with values in them, and what an error of the API means.

/** Put values in place of the `{…}` of a text. */
export function fill(text, values) {
  return text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

/** Return the words for an error: those for its field, where that has words of its own. */
export function meaningOf(words, { code, param }) {
  const field = code === "invalid_parameter" && param ? param.match(/^\w*/)[0] : "";
  return words[`field.${field}`] ?? words[`error.${code}`];
}

export function errorText(words, error) {
  return fill(meaningOf(words, error) ?? words["error.unknown"], { seconds: error.seconds ?? "1" });
}
