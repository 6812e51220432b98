// Blocks of code: shown at once, colored when the page has nothing better to do.
import { html, useEffect, useState } from "../lib.js";
import { IconButton } from "../ui/button.js";
import { copyText } from "./copy.js";

const LONGEST = 20_000; // code points that are worth coloring
const ALIASES = {
  __proto__: null,
  sh: "bash", shell: "bash", zsh: "bash", console: "bash", "c++": "cpp", cs: "csharp", "c#": "csharp", py: "python", rb: "ruby", rs: "rust",
  ts: "typescript", js: "javascript", mjs: "javascript", jsx: "javascript", tsx: "typescript", kt: "kotlin", md: "markdown",
  html: "markup", xml: "markup", svg: "markup", yml: "yaml", dockerfile: "docker", golang: "go", patch: "diff", conf: "nginx",
};
const LABELS = { __proto__: null, markup: "HTML", csharp: "C#", cpp: "C++", javascript: "JavaScript", typescript: "TypeScript", css: "CSS", json: "JSON", sql: "SQL", yaml: "YAML", toml: "TOML", ini: "INI" };
const idle = globalThis.requestIdleCallback ?? ((run) => setTimeout(run, 50));

let prism = null;

/** The word behind the opening fence as a language of Prism, or null. */
export function languageOf(info) {
  const word = /^[\w#+-]+/.exec(info ?? "")?.[0].toLowerCase();
  return word ? (ALIASES[word] ?? word) : null;
}

/** Tokens of Prism as vnodes. */
function draw(tokens) {
  return tokens.map((token) => {
    if (typeof token === "string") return token;
    const content = typeof token.content === "string" ? token.content : draw([token.content].flat());
    return html`<span class="token-${token.type}">${content}</span>`;
  });
}

/** info: what stands behind the opening fence. */
export function CodeBlock({ code, info }) {
  const [colored, setColored] = useState(null);
  const language = languageOf(info);
  useEffect(() => {
    setColored(null);
    if (!language || code.length > LONGEST) return;
    let wanted = true;
    idle(async () => {
      try {
        prism ??= import("../../vendor/prism.js");
        const { default: Prism } = await prism;
        const grammar = Object.hasOwn(Prism.languages, language) ? Prism.languages[language] : null;
        if (wanted && typeof grammar === "object" && grammar) setColored({ code, tokens: Prism.tokenize(code, grammar) });
      } catch {
        prism = null; // code without colors is code all the same
      }
    });
    return () => (wanted = false);
  }, [code, language]);
  const label = language && (LABELS[language] ?? language[0].toUpperCase() + language.slice(1));
  return html`<figure class="code" data-plain=${label ? undefined : ""}>
    <figcaption class="code-head">
      <span class="code-language">${label}</span>
      <${IconButton} icon="copy" label="Copy code" size="s" onClick=${() => copyText(code, "Code copied")} />
    </figcaption>
    <pre class="code-body scroll" tabindex="0" role="region" aria-label=${label ? `Code, ${label}` : "Code"}><code>${colored?.code === code ? draw(colored.tokens) : code}</code></pre>
  </figure>`;
}
