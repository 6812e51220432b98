// Cards below a message. Pictures from elsewhere are links: showing them would tell others who reads.
import { html } from "../lib.js";
import { fullTime } from "../core/format.js";
import { localUrl } from "../core/state.js";
import { lazy } from "../lazy.js";
import { Icon } from "../ui/icon.js";
import { Link, Markdown } from "./markdown.js";

const Poll = lazy(() => import("./poll.js"), "Poll");

export function Embeds({ message, place, channel }) {
  const embeds = message.embeds ?? [];
  if (!embeds.length) return null;
  return html`<div class="embeds">
    ${embeds.map((embed, index) =>
      embed.type === "poll" && embed.poll
        ? html`<${Poll} key=${embed.poll.id} poll=${embed.poll} message=${message} place=${place} channel=${channel} />`
        : html`<${Card} key=${index} embed=${embed} />`,
    )}
  </div>`;
}

function Card({ embed }) {
  const { title, description, url, color, author, footer, image, thumbnail, timestamp } = embed;
  const fields = embed.fields ?? []; // null counts as absent, in all of them
  const time = readTime(timestamp);
  const edge = Number.isInteger(color) ? `#${color.toString(16).padStart(6, "0")}` : "";
  return html`<article class="embed" style=${{ "--edge": edge }} data-edge=${edge ? "" : undefined} aria-label=${title || author?.name || "Card"}>
    <div class="embed-main">
      ${author && html`<p class="embed-author"><${Small} url=${author.icon_url} /><${Maybe} url=${author.url}>${author.name}</${Maybe}></p>`}
      ${title && html`<p class="embed-title"><${Maybe} url=${url}>${title}</${Maybe}></p>`}
      ${!title && url && html`<p class="embed-title"><${Maybe} url=${url}>${url}</${Maybe}></p>`}
      ${description && html`<${Markdown} text=${description} class="embed-description" />`}
      ${fields.length > 0 && html`<dl class="embed-fields">
        ${fields.map((field, index) => html`<div key=${index} class="embed-field" data-inline=${field.inline || undefined}>
          <dt>${field.name}</dt><dd><${Markdown} text=${field.value} /></dd>
        </div>`)}
      </dl>`}
    </div>
    ${thumbnail && html`<${Picture} picture=${thumbnail} class="embed-thumbnail" />`}
    ${image && html`<${Picture} picture=${image} class="embed-image" />`}
    ${(footer || time) && html`<p class="embed-footer">
      <${Small} url=${footer?.icon_url} />${footer?.text}${footer && time ? " · " : ""}${time && html`<time datetime=${time.toISOString()}>${fullTime(time / 1000)}</time>`}
    </p>`}
  </article>`;
}

/** ISO text, or seconds or milliseconds since 1970; null for anything else. */
function readTime(text) {
  if (!text) return null;
  const number = Number(text);
  const time = new Date(Number.isNaN(number) ? text : number > 1e11 ? number : number * 1000);
  return Number.isNaN(time.getTime()) ? null : time;
}

const absolute = (url) => (url?.startsWith("/") ? (localUrl(url) ?? url) : url);

function Maybe({ url, children }) {
  return url ? html`<${Link} href=${absolute(url)}>${children}</${Link}>` : children;
}

function Small({ url }) {
  const own = localUrl(url);
  return own && html`<img class="embed-small" src=${own} alt="" width="18" height="18" loading="lazy" />`;
}

function Picture({ picture, class: name }) {
  const own = localUrl(picture.url);
  if (own) {
    return html`<img class=${name} src=${own} alt="" width=${picture.width} height=${picture.height} loading="lazy" decoding="async" />`;
  }
  if (!URL.canParse(picture.url)) return null;
  return html`<${Link} class="embed-elsewhere" href=${picture.url}><${Icon} name="image" size=${15} /> Show picture at ${new URL(picture.url).host}</${Link}>`;
}
