// Notices of the browser for what calls me while nobody looks, and the push subscription for when the page is closed.
import { excerpt } from "../chat/excerpt.js";
import { levelOf } from "../chat/notify-levels.js";
import { on, request } from "./connection.js";
import { placeKey, placeOf } from "./place.js";
import { go, link } from "./router.js";
import { blocked, capabilities, channelNamed, channelTitle, displayName, me, myUser } from "./state.js";
import { callsMe, watched } from "./unreads.js";

const WANTED = "originchats:notices";
const ICON = new URL("../../icons/icon-192.png", import.meta.url).href;
const BADGE = new URL("../../icons/badge-96.png", import.meta.url).href;
const LONGEST = 180; // characters of the text

export const PUSH_FAILED = "You are told while this page is open. For the time after it is closed the browser's push service was asked, and did not answer.";

/** "unsupported" | "denied" | "off" | "on" */
export function noticeState() {
  if (!("Notification" in globalThis)) return "unsupported";
  if (Notification.permission === "denied") return "denied";
  return Notification.permission === "granted" && localStorage.getItem(WANTED) === "on" ? "on" : "off";
}

/** Whether notices also come when the page is closed; false where that cannot be had. */
export async function turnOn() {
  if ((await Notification.requestPermission()) !== "granted") return false;
  localStorage.setItem(WANTED, "on");
  return subscribe().catch(() => false);
}

export async function turnOff() {
  localStorage.setItem(WANTED, "off");
  const subscription = await (await registration())?.pushManager.getSubscription();
  if (subscription) {
    await request("push_unsubscribe", { endpoint: subscription.endpoint }).catch(() => {});
    await subscription.unsubscribe();
  }
}

/** Listens for messages; called once. */
export function startNotices() {
  on("message_new", (packet) => {
    if (wants(packet)) show(packet);
  });
}

function wants({ message, ...packet }) {
  if (noticeState() !== "on" || message.user === me.peek() || blocked.peek().has(message.user)) return false;
  if (myUser.peek()?.status.status === "dnd") return false;
  const key = placeKey(placeOf(packet));
  if (watched.peek() && placeKey(watched.peek()) === key) return false;
  const level = levelOf(packet.thread_id ? key : packet.channel, { direct: Boolean(channelNamed(packet.channel)?.members) });
  return level === "all" || (level === "pings" && callsMe(message));
}

async function show({ message, ...packet }) {
  const place = placeOf(packet);
  const channel = channelNamed(packet.channel);
  const title = channel?.members ? displayName(message.user) : `${displayName(message.user)} in ${channel ? channelTitle(channel) : packet.channel}`;
  const target = { page: "chat", ...(place.thread_id ? { thread: place.thread_id } : { channel: place.channel }), message: message.id };
  const options = { body: excerpt(message, LONGEST), icon: ICON, badge: BADGE, tag: placeKey(place), renotify: true, data: { place: link(target) } };
  const worker = await registration();
  if (worker) {
    await worker.showNotification(title, options);
    return;
  }
  const notice = new Notification(title, options);
  notice.onclick = () => {
    focus();
    go(target);
  };
}

async function subscribe() {
  const worker = await registration();
  if (!worker?.pushManager || !capabilities.peek().has("push_subscribe")) return false;
  const { key } = await request("push_get_vapid");
  const subscription = await worker.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
  await request("push_subscribe", { subscription: subscription.toJSON() });
  return true;
}

/** The service worker, null where there is none. */
async function registration() {
  return (await navigator.serviceWorker?.getRegistration().catch(() => null)) ?? null;
}
