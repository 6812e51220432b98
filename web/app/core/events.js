// Packets to state: the one place where what the server tells changes what the page knows.
import { batch } from "../lib.js";
import { confirmed, keepOnlyMine, renameUser } from "./outbox.js";
import { placeKey, placeOf } from "./place.js";
import * as state from "./state.js";
import * as timelines from "./timeline.js";
import * as unreads from "./unreads.js";

export function apply(packet) {
  const handler = HANDLERS[packet.cmd];
  if (handler) batch(() => handler(packet));
}

const HANDLERS = {
  handshake({ val }) {
    state.handshake.value = val;
    state.server.value = val.server;
    state.limits.value = val.limits;
    state.attachmentRules.value = val.attachments;
    state.capabilities.value = new Set(val.capabilities);
    state.serverPermissions.value = val.permissions;
  },
  ready({ user }) {
    state.me.value = user.username;
    keepOnlyMine();
  },
  server_update({ name, icon, banner, description }) {
    state.server.value = { ...state.server.peek(), name, icon, banner, description };
  },

  channels_get({ val }) {
    state.channels.value = val;
    const seen = new Set(val.map((channel) => channel.name));
    for (const channel of val) for (const thread of channel.threads ?? []) seen.add(`thread/${thread.id}`);
    timelines.keepOnly(seen);
    unreads.keepOnly(seen);
  },
  channel_topic({ channel, topic }) {
    state.changeChannel(channel, { description: topic });
  },
  roles_list({ roles }) {
    const sorted = Object.values(roles).sort((a, b) => a.position - b.position);
    state.roles.value = new Map(sorted.map((role) => [role.name, role]));
  },

  users_list: ({ users }) => state.setUsers(users),
  users_online: ({ users }) => users.forEach(state.putUser),
  user_join: ({ user }) => state.putUser(user),
  user_connect: ({ user }) => state.putUser(user),
  user_disconnect({ username }) {
    const known = state.userNamed(username);
    if (known) state.changeUser(username, { status: { ...known.status, status: "offline" } });
  },
  user_leave: (packet) => state.dropUser(packet.username ?? packet.user),
  user_roles_get({ user, roles, color }) {
    state.changeUser(user, { roles, color });
  },
  user_update(packet) {
    if (packet.username && packet.username !== packet.user) {
      state.renameUser(packet.user, packet.username);
      timelines.renameUser(packet.user, packet.username);
      renameUser(packet.user, packet.username);
    }
    state.changeUser(packet.username ?? packet.user, { nickname: packet.nickname });
  },
  nickname_update: ({ username, nickname }) => state.changeUser(username, { nickname: nickname ?? null }),
  nickname_remove: ({ username }) => state.changeUser(username, { nickname: null }),
  status_get: ({ username, status }) => state.changeUser(username, { status }),
  pfp_set: ({ username, val }) => state.changeUser(username, { pfp: val }),
  user_block: ({ user }) => (state.blocked.value = new Set([...state.blocked.peek(), user])),
  user_unblock: ({ user }) => (state.blocked.value = new Set([...state.blocked.peek()].filter((name) => name !== user))),
  users_blocked_list: ({ users }) => (state.blocked.value = new Set(users)),

  emoji_get_all({ emojis }) {
    state.emojis.value = new Map(Object.entries(emojis).map(([id, emoji]) => [id, { id, ...emoji }]));
  },
  emoji_add: ({ id, name, fileName }) => (state.emojis.value = new Map(state.emojis.peek()).set(id, { id, name, fileName })),
  emoji_update: (packet) => HANDLERS.emoji_add(packet),
  emoji_delete({ id }) {
    const left = new Map(state.emojis.peek());
    left.delete(id);
    state.emojis.value = left;
  },
  slash_list({ commands }) {
    state.slashCommands.value = new Map(commands.map((command) => [command.name, command]));
  },
  slash_add({ commands }) {
    const known = new Map(state.slashCommands.peek());
    for (const command of commands) known.set(command.name, command);
    state.slashCommands.value = known;
  },
  slash_remove({ commands }) {
    const known = new Map(state.slashCommands.peek());
    for (const name of commands) known.delete(name);
    state.slashCommands.value = known;
  },

  typing(packet) {
    if (packet.user === state.me.peek()) return;
    const key = placeKey(placeOf(packet));
    const there = new Map(state.typing.peek().get(key)).set(packet.user, Date.now());
    state.typing.value = new Map(state.typing.peek()).set(key, there);
  },

  thread_create: ({ channel, thread }) => changeThreads(channel, (threads) => [...threads.filter(({ id }) => id !== thread.id), thread]),
  thread_update: putThread,
  thread_join: putThread,
  thread_leave: putThread,
  thread_delete({ channel, thread_id }) {
    changeThreads(channel, (threads) => threads.filter(({ id }) => id !== thread_id));
    timelines.drop(`thread/${thread_id}`);
  },

  message_new(packet) {
    const { message } = packet;
    const key = placeKey(placeOf(packet));
    if (packet.nonce) confirmed(packet.nonce);
    const there = state.typing.peek().get(key);
    if (there?.has(message.user)) {
      const left = new Map(there);
      left.delete(message.user);
      state.typing.value = new Map(state.typing.peek()).set(key, left);
    }
    const last = { last_message: message.timestamp, last_message_id: message.id };
    // with its nonce it stays the row that it was while it was on its way
    const told = packet.nonce ? { ...packet, message: { ...message, nonce: packet.nonce } } : packet;
    if (message.ephemeral) timelines.add(told);
    else {
      if (packet.thread_id) {
        changeThreads(packet.channel, (threads) => threads.map((thread) => (thread.id === packet.thread_id ? { ...thread, ...last } : thread)));
      } else state.changeChannel(packet.channel, last);
      const isNew = timelines.add(told);
      if (isNew) unreads.came(packet);
    }
  },
  message_edit: ({ message, ...packet }) =>
    timelines.change(packet, packet.id, (known) => ({ ...known, ...message, content: packet.content, edited: true, reactions: known.reactions })),
  message_delete: (packet) => timelines.remove(packet, packet.id),
  message_pin: (packet) => timelines.change(packet, packet.id, (message) => ({ ...message, pinned: true })),
  message_unpin: (packet) => timelines.change(packet, packet.id, (message) => ({ ...message, pinned: false })),
  message_react_add(packet) {
    timelines.change(packet, packet.id, (message) => {
      const names = reactionsWith(message, packet.emoji);
      if (names.includes(packet.from)) return message;
      return { ...message, reactions: { ...message.reactions, [packet.emoji]: [...names, packet.from] } };
    });
  },
  message_react_remove(packet) {
    timelines.change(packet, packet.id, (message) => {
      const { [packet.emoji]: _, ...others } = message.reactions ?? {};
      const left = reactionsWith(message, packet.emoji).filter((name) => name !== packet.from);
      return { ...message, reactions: left.length ? { ...message.reactions, [packet.emoji]: left } : others };
    });
  },

  poll_vote: (packet) => changePoll(packet.message_id, (poll) => ({ ...poll, user_votes: packet.option_ids })),
  poll_vote_update: (packet) => changePoll(packet.message_id, (poll) => ({ ...poll, ...standing(packet.results) })),
  poll_end: (packet) => changePoll(packet.message_id, (poll) => ({ ...poll, ...standing(packet.results) })),

  unreads_get: ({ unreads: all }) => unreads.setAll(all),
  unreads_update: (packet) => unreads.read(packet),
  unreads_ack: (packet) => unreads.read(packet),

  voice_user_joined: ({ channel, user }) =>
    changeVoice(channel, (there) => [...there.filter(({ username }) => username !== user.username), user]),
  voice_user_updated: ({ channel, user }) =>
    changeVoice(channel, (there) => there.map((each) => (each.username === user.username ? { ...each, muted: user.muted } : each))),
  voice_user_left: ({ channel, username }) => changeVoice(channel, (there) => there.filter((each) => each.username !== username)),
};

/** An emoji may be any text, such as the name of something that every object has. */
function reactionsWith({ reactions = {} }, emoji) {
  return Object.hasOwn(reactions, emoji) ? reactions[emoji] : [];
}

function putThread({ thread }) {
  changeThreads(thread.parent_channel, (threads) => threads.map((each) => (each.id === thread.id ? { ...each, ...thread } : each)));
}

function changeThreads(name, change) {
  const channel = state.channels.peek().find((each) => each.name === name);
  if (channel) state.changeChannel(name, { threads: change(channel.threads ?? []) });
}

function changeVoice(name, change) {
  const channel = state.channels.peek().find((each) => each.name === name);
  if (channel) state.changeChannel(name, { voice_state: change(channel.voice_state ?? []) });
}

function changePoll(messageId, change) {
  timelines.changeAnywhere(messageId, (message) => ({
    ...message,
    embeds: message.embeds?.map((embed) => (embed.type === "poll" ? { ...embed, poll: change(embed.poll) } : embed)),
  }));
}

function standing({ results, total_votes, ended, ended_at }) {
  return { results, total_votes, ended, ended_at };
}
