// JSON as it is written: where it is wrong, and how it is set out. Browsers tell the first in English alone, each in
// words of its own; and whoever parses and writes it anew rounds its long numbers.

const SPACE = /[ \t\n\r]*/y;
const TOKEN =
  /[{}[\]:,]|"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[\da-fA-F]{4}))*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.])|(?:true|false|null)(?!\w)/y;
const CLOSING = { "{": "}", "[": "]" };
const FOREIGN = [
  [/["]/, "string"], // one that is whole is a token
  [/['`‘’‚“”„«»]/, "quotes"],
  [/[/#]/, "comment"],
];

/** Yield the tokens with their places; the last one is empty: the end, or a character that begins no token. */
function* tokensOf(text) {
  for (let at = 0; ; ) {
    SPACE.lastIndex = at;
    SPACE.test(text);
    at = TOKEN.lastIndex = SPACE.lastIndex;
    const token = TOKEN.exec(text)?.[0] ?? "";
    yield { token, at };
    if (!token) return;
    at += token.length;
  }
}

/** Return at which character a text stops being JSON, and of what kind the fault is; null where it is JSON.
 *
 *  The kinds: `value`, `name`, `colon` and `comma` are missing, `rest` is too much, `trailing` is a comma before a
 *  bracket, `unfinished` the end of the text, and those of FOREIGN. */
export function faultOf(text) {
  const closing = []; // the brackets that are to come
  let before = { token: "", at: 0 };
  let wanted = "value";
  for (const each of tokensOf(text)) {
    const { token, at } = each;
    const isOpened = before.token in CLOSING;
    if (!token) {
      if (at === text.length) return wanted === "rest" ? null : { at, kind: "unfinished" };
      return { at, kind: FOREIGN.find(([characters]) => characters.test(text[at]))?.[1] ?? wanted };
    } else if (token === closing.at(-1) && (isOpened || wanted === "comma")) {
      closing.pop();
      wanted = closing.length ? "comma" : "rest";
    } else if (token === closing.at(-1) && before.token === ",") {
      return { at: before.at, kind: "trailing" };
    } else if (wanted === "value" && token in CLOSING) {
      closing.push(CLOSING[token]);
      wanted = token === "{" ? "name" : "value";
    } else if (wanted === "value" && !/^[}\]:,]/.test(token)) {
      wanted = closing.length ? "comma" : "rest";
    } else if (wanted === "name" && token.startsWith('"')) {
      wanted = "colon";
    } else if (wanted === "colon" && token === ":") {
      wanted = "value";
    } else if (wanted === "comma" && token === ",") {
      wanted = closing.at(-1) === "}" ? "name" : "value";
    } else {
      return { at, kind: wanted };
    }
    before = each;
  }
}

/** Return the line and the column of a character, as people count them. */
export function placeOf(text, at) {
  const lines = text.slice(0, at).split("\n");
  return { line: lines.length, column: lines.at(-1).length + 1 };
}

/** Return JSON set out in lines, two spaces a level; a text that is no JSON as it is. */
export function setOut(text) {
  if (faultOf(text)) return text;
  let written = "";
  let line = "\n";
  let before = "";
  for (const { token } of tokensOf(text)) {
    const isClosing = token === "}" || token === "]";
    if (isClosing) line = line.slice(0, -2);
    const isOpened = before in CLOSING;
    if (before === "," || isOpened !== isClosing) written += line;
    else if (before === ":") written += " ";
    written += token;
    if (token in CLOSING) line += "  ";
    before = token;
  }
  return written;
}
