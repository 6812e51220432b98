// Text of messages as vnodes. Nothing others wrote becomes HTML, and nothing is loaded from elsewhere.
import { html, useMemo, useState } from "../lib.js";
import { lazy } from "../lazy.js";
import { Icon } from "../ui/icon.js";
import { bareText, countEmojis, parse, readLink } from "./markdown-parse.js";
import { drawText } from "./mentions.js";

const BIG_EMOJIS = 6;
const PlainCode = ({ code }) => html`<figure class="code" data-plain=""><pre class="code-body scroll"><code>${code}</code></pre></figure>`;
const CodeBlock = lazy(() => import("./code.js"), "CodeBlock", PlainCode);

/** text: Markdown as people write it in chats. */
export function Markdown({ text, class: extra = "" }) {
  const [tokens, emojis] = useMemo(() => [parse(text), countEmojis(text)], [text]);
  return html`<div class="markdown ${extra}" data-line=${(tokens.length === 1 && tokens[0].type === "paragraph") || undefined}
    data-big=${(emojis > 0 && emojis <= BIG_EMOJIS) || undefined}>${tokens.map(draw)}</div>`;
}

const all = (tokens = []) => tokens.map(draw);

function draw(token) {
  return Object.hasOwn(DRAWN, token.type) ? DRAWN[token.type](token) : drawText(token.raw ?? "");
}

const DRAWN = {
  space: () => null,
  paragraph: (token) => html`<p>${all(token.tokens)}</p>`,
  text: (token) => (token.tokens ? all(token.tokens) : drawText(token.text)),
  escape: (token) => token.text,
  br: () => html`<br />`,
  hr: () => html`<hr />`,
  strong: (token) => html`<strong>${all(token.tokens)}</strong>`,
  em: (token) => html`<em>${all(token.tokens)}</em>`,
  del: (token) => html`<s>${all(token.tokens)}</s>`,
  codespan: (token) => html`<code class="code-inline">${token.text}</code>`,
  code: (token) => html`<${CodeBlock} code=${token.text} info=${token.lang} />`,
  blockquote: (token) => html`<blockquote>${all(token.tokens)}</blockquote>`,
  heading: (token) => html`<p class="markdown-heading" data-level=${Math.min(token.depth, 4)}>${all(token.tokens)}</p>`,
  list: (token) => drawList(token),
  checkbox: (token) => html`<span class="markdown-check" role="img" aria-label=${token.checked ? "done" : "to do"} data-checked=${token.checked || undefined}>
    ${token.checked && html`<${Icon} name="check" size=${12} />`}
  </span>`,
  table: (token) => drawTable(token),
  spoiler: (token) => html`<${Spoiler} tokens=${token.tokens} />`,
  link: (token) => html`<${Link} href=${token.href} raw=${token.raw}>${bareText(token.tokens)}</${Link}>`,
  image: (token) => html`<${Link} href=${token.href} raw=${token.raw}><${Icon} name="image" size=${14} /> ${token.text || token.href}</${Link}>`,
};

function drawList({ ordered, start, items }) {
  const rows = items.map((item) => html`<li data-task=${item.task || undefined}>${all(item.tokens)}</li>`);
  return ordered ? html`<ol start=${start === "" ? 1 : start}>${rows}</ol>` : html`<ul>${rows}</ul>`;
}

function drawTable({ header, rows, align }) {
  const cell = (Tag) => (content, index) => html`<${Tag} data-align=${align[index] ?? undefined}>${all(content.tokens)}</${Tag}>`;
  return html`<div class="markdown-table scroll" tabindex="0" role="region" aria-label="Table">
    <table><thead><tr>${header.map(cell("th"))}</tr></thead><tbody>${rows.map((row) => html`<tr>${row.map(cell("td"))}</tr>`)}</tbody></table>
  </div>`;
}

/** A link that may be followed, or the text as it was written. */
export function Link({ href, raw, children, class: extra }) {
  const target = readLink(href, document.baseURI);
  if (!target) return raw ?? children;
  return target.inside
    ? html`<a class=${extra} href=${target.href}>${children}</a>`
    : html`<a class=${extra} href=${target.href} title=${target.href} target="_blank" rel="noopener noreferrer nofollow">${children}</a>`;
}

function Spoiler({ tokens }) {
  const [shown, setShown] = useState(false);
  if (shown) return html`<span class="spoiler" data-shown>${all(tokens)}</span>`;
  return html`<button type="button" class="spoiler" aria-label="Spoiler, hidden. Show" onClick=${() => setShown(true)}>
    <span class="spoiler-text" aria-hidden="true">${bareText(tokens)}</span>
  </button>`;
}
