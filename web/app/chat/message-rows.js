// What stands below one another in a list of messages.
import { dayTitle, sameDay } from "../core/format.js";

const GROUP_S = 420;

/** Days, the mark of new messages, and the messages, each with whether it continues the one above. */
export function layOut(messages, unreadFrom) {
  const rows = [];
  let previous = null;
  let marked = false;
  for (const message of messages) {
    if (previous === null || !sameDay(previous.timestamp, message.timestamp)) {
      rows.push({ key: `day/${new Date(message.timestamp * 1000).toDateString()}`, day: dayTitle(message.timestamp) });
    }
    if (unreadFrom && !marked && previous?.id === unreadFrom) {
      rows.push({ key: "unread", unread: true });
      marked = true;
    }
    rows.push({ message, grouped: rows.at(-1)?.message === previous && previous !== null && continues(previous, message) });
    previous = message;
  }
  return rows;
}

function continues(previous, message) {
  return (
    previous.user === message.user && message.timestamp - previous.timestamp < GROUP_S && !message.reply_to && !message.interaction &&
    previous.webhook?.name === message.webhook?.name && previous.type === message.type && !previous.ephemeral === !message.ephemeral
  );
}
