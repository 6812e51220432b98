// What may be meant by the start of a word: members and roles, channels, emojis, commands.
import { channels, channelTitle, emojis, plainName, roleList, roles, slashCommands, me, users } from "../core/state.js";
import { loadEmojis } from "./emojis.js";

const MOST = 30;
const TRIGGERS = [
  ["command", /^\/([\w-]*)$/],
  ["member", /(?:^|[\s([{"'*_~>])@(&?[^\s@]*)$/],
  ["channel", /(?:^|[\s([{"'*_~>])#([^\s#]*)$/],
  ["emoji", /(?:^|[^\w:])(?::([\w+-]{2,}))$/],
];

let unicode = null; // [[character, label, keywords, group]]

/** {kind, query, start: index of the sign that began it} of what ends at the caret, or null. */
export function triggerAt(text, caret) {
  const before = text.slice(0, caret);
  for (const [kind, pattern] of TRIGGERS) {
    const match = pattern.exec(before);
    if (match) return { kind, query: match[1], start: caret - match[1].length - 1 };
  }
  return null;
}

/** [{id, kind, insert, label, hint, ...}] best first. For emojis the list of Unicode has to be there: `fetchEmojis`. */
export function suggest(kind, query, channel) {
  return { member: suggestMembers, channel: suggestChannels, emoji: suggestEmojis, command: suggestCommands }[kind](query.toLowerCase(), channel).slice(0, MOST);
}

export async function fetchEmojis() {
  unicode = await loadEmojis();
}

export const emojisAreHere = () => unicode !== null;

/** How well a text fits: 0 is best, null not at all. */
function fit(text, query) {
  const lower = text.toLowerCase();
  if (lower.startsWith(query)) return 0;
  const at = lower.indexOf(query);
  return at < 0 ? null : /[\s_.-]/.test(lower[at - 1]) ? 1 : 2;
}

const wordFit = (text, query) => (fit(text, query) === 2 ? null : fit(text, query));

function best(...fits) {
  const found = fits.filter((each) => each !== null);
  return found.length ? Math.min(...found) : null;
}

/** [{score, ...}] in order, those that do not fit left out. */
function ranked(list) {
  return list.filter(({ score }) => score !== null).sort((a, b) => a.score - b.score || (a.order ?? 0) - (b.order ?? 0) || (a.label < b.label ? -1 : 1));
}

function suggestMembers(query, channel) {
  const rolesOnly = query.startsWith("&");
  const wanted = rolesOnly ? query.slice(1) : query;
  const all = users.peek();
  const people = rolesOnly ? [] : [...all.values()].filter(({ username }) => !channel?.members || channel.members.includes(username));
  const found = people.map((user) => {
    const plain = plainName(user.username);
    const label = user.nickname || plain;
    const offline = user.status.status === "offline" || user.status.status === "invisible";
    return {
      id: `member/${user.username}`, kind: "member", username: user.username, status: user.status, label,
      hint: plain === label ? "" : plain, insert: `@${all.has(plain) ? user.username : plain} `, order: user.username === me.peek() ? 2 : offline ? 1 : 0, score: best(fit(label, wanted), fit(plain, wanted)),
    };
  });
  const groups = channel?.members ? [] : [...roles.peek().values()];
  const foundRoles = groups.map((role) => ({
    id: `role/${role.name}`, kind: "role", label: role.name, hint: role.description || "Role", color: role.color,
    insert: `@&${role.name} `, order: 3, score: fit(role.name, wanted),
  }));
  return ranked([...found, ...foundRoles]);
}

function suggestChannels(query) {
  const list = channels.peek().filter(({ type, members }) => type !== "separator" && !members);
  return ranked(list.map((channel, order) => ({
    id: `channel/${channel.name}`, kind: "channel", channel, label: channelTitle(channel), hint: channel.description ?? "",
    insert: `#${channel.name} `, order, score: best(fit(channel.name, query), fit(channelTitle(channel), query)),
  })));
}

function suggestEmojis(query) {
  const own = [...emojis.peek().values()].map((emoji) => ({
    id: `emoji/${emoji.id}`, kind: "emoji", emoji, label: `:${emoji.name}:`, hint: "", insert: `:${emoji.name}: `, order: -1, score: fit(emoji.name, query),
  }));
  const words = query.replaceAll("_", " ");
  const others = (unicode ?? []).map(([character, label, keywords], order) => {
    const byKeyword = keywords.some((keyword) => keyword.startsWith(words)) ? (keywords.includes(words) ? 1 : 3) : null;
    return {
      id: `unicode/${character}`, kind: "unicode", character, label: `:${label.replaceAll(" ", "_").replaceAll(":", "")}:`, hint: "",
      insert: `${character} `, order, score: best(wordFit(label, words), byKeyword),
    };
  });
  return ranked([...own, ...others]);
}

/** Commands that I may call, by their lists of roles. */
export function myCommands() {
  const mine = roleList(me.value);
  const listed = (names) => names?.some((name) => mine.includes(name)) ?? false;
  return [...slashCommands.value.values()].filter(
    ({ whitelistRoles, blacklistRoles }) => (!whitelistRoles?.length || listed(whitelistRoles)) && !listed(blacklistRoles),
  );
}

function suggestCommands(query) {
  return ranked(myCommands().map((command) => ({
    id: `command/${command.name}`, kind: "command", command, label: `/${command.name}`, hint: command.description,
    insert: "", score: fit(command.name, query),
  })));
}
