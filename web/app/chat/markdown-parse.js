// Text of messages to a tree of plain tokens, those of marked, with bounds on what hostile text can cost. Knows no DOM.
import { Lexer, Tokenizer } from "../../vendor/marked.js";

const LONGEST = 8000; // longer texts are shown as they are
const DEEPEST = 8; // quotes, lists and emphasis inside one another
const REMEMBERED = 400;

/** HTML, link definitions, underlined headings and indented code are what people meant to write: text. */
class ChatTokenizer extends Tokenizer {
  html() {}
  tag() {}
  def() {}
  lheading() {}
  code() {}
}

class BoundedLexer extends Lexer {
  depth = 0;

  blockTokens(source, tokens = [], last) {
    return this.within(source, tokens, () => super.blockTokens(source, tokens, last));
  }

  inlineTokens(source, tokens = []) {
    return this.within(source, tokens, () => super.inlineTokens(source, tokens));
  }

  within(source, tokens, go) {
    if (this.depth >= DEEPEST) {
      tokens.push({ type: "text", raw: source, text: source });
      return tokens;
    }
    this.depth++;
    try {
      return go();
    } finally {
      this.depth--;
    }
  }
}

const SPOILER = {
  name: "spoiler",
  level: "inline",
  start: (source) => source.indexOf("||"),
  tokenizer(source) {
    const found = /^\|\|(?=[^\s|])([^]*?[^|])\|\|(?!\|)/.exec(source);
    if (!found) return undefined;
    return { type: "spoiler", raw: found[0], tokens: this.lexer.inlineTokens(found[1]) };
  },
};

const known = new Map(); // text -> tokens, those used last at the end

/** Block tokens of a text. The same array for the same text while it is remembered. */
export function parse(text) {
  const remembered = known.get(text);
  if (remembered) {
    known.delete(text);
    known.set(text, remembered);
    return remembered;
  }
  const tokens = lex(text);
  known.set(text, tokens);
  if (known.size > REMEMBERED) known.delete(known.keys().next().value);
  return tokens;
}

function lex(text) {
  const plain = [{ type: "text", raw: text, text }];
  if (text.length > LONGEST) return plain;
  const extensions = { inline: [SPOILER.tokenizer], startInline: [SPOILER.start] };
  try {
    return new BoundedLexer({ gfm: true, breaks: true, tokenizer: new ChatTokenizer(), extensions }).lex(endQuotes(text));
  } catch {
    return plain;
  }
}

/** A line behind a quote is no longer quoted, which Markdown wants said by an empty line. */
function endQuotes(text) {
  if (!text.includes(">")) return text;
  const lines = [];
  let fence = null;
  for (const line of text.split("\n")) {
    const mark = /^ {0,3}(`{3,}|~{3,})/.exec(line)?.[1];
    if (mark && fence === null) fence = mark;
    else if (mark && mark.startsWith(fence)) fence = null;
    const after = lines.at(-1);
    if (fence === null && after && /^ {0,3}>/.test(after) && /\S/.test(line) && !/^ {0,3}>/.test(line)) lines.push("");
    lines.push(line);
  }
  return lines.join("\n");
}

const CUSTOM = String.raw`originChats:\/\/[^\/\s]+\/emojis\/[\w.\-]+|:[\w\-]{2,32}:`;
const ONE_EMOJI = new RegExp(String.raw`${CUSTOM}|\p{RGI_Emoji}`, "giv");

/** How many emojis a text consists of; 0 if there is anything else in it. */
export function countEmojis(text) {
  if (text.length > 600) return 0;
  let count = 0;
  const rest = text.replace(ONE_EMOJI, () => {
    count++;
    return "";
  });
  return rest.trim() === "" ? count : 0;
}

/** The target of a link, if it may be followed: {href, inside: whether it leads to another place of this page}; else null. */
export function readLink(href, base) {
  if (/^#\//.test(href)) return { href, inside: true };
  let url;
  try {
    url = new URL(href);
  } catch {
    return null;
  }
  if (!["http:", "https:", "mailto:"].includes(url.protocol)) return null;
  const own = new URL(base);
  const inside = url.origin === own.origin && url.pathname === own.pathname && url.hash.startsWith("#/");
  return inside ? { href: url.hash, inside: true } : { href: url.href, inside: false };
}

/** A text as one line without marks: for previews, labels and notifications. */
export function plainText(text, most = 160) {
  const line = bareText(parse(text.slice(0, most * 4))).replace(/\s+/g, " ").trim();
  const letters = [...line];
  return letters.length > most ? `${letters.slice(0, most - 1).join("")}…` : line;
}

/** The text of tokens without their marks. */
export function bareText(tokens) {
  return tokens
    .map((token) => {
      if (token.type === "spoiler") return "(spoiler)";
      if (token.type === "image") return token.text || "picture";
      if (token.type === "br" || token.type === "space" || token.type === "hr") return " ";
      if (token.type === "list") return token.items.map((item) => `${bareText(item.tokens)} `).join("");
      if (token.type === "table") return [token.header, ...token.rows].flat().map((cell) => `${bareText(cell.tokens)} `).join("");
      const text = token.tokens ? bareText(token.tokens) : (token.text ?? token.raw ?? "");
      return ["paragraph", "heading", "blockquote", "code"].includes(token.type) ? `${text} ` : text;
    })
    .join("");
}
