"use strict";

const REFRESH_MS = 15000;
const show = (id, text) => { document.getElementById(id).textContent = text; };

show("address", location.host);
show("socket", `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/`);

async function refresh() {
  if (document.hidden) return;
  try {
    const { stats } = await (await fetch("/info")).json();
    show("online", stats.online_users);
    show("users", stats.total_users);
    show("channels", stats.total_channels);
  } catch {
    show("online", "–");
  }
}

setInterval(refresh, REFRESH_MS);
document.addEventListener("visibilitychange", refresh);
