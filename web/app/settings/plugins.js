// Plugins: what runs beside the server, what went wrong with it, on and off; and a page for the settings of each.
import { html } from "../lib.js";
import { names, plural } from "../core/format.js";
import { go } from "../core/router.js";
import { capabilities } from "../core/state.js";
import { attempt } from "../chat/menus.js";
import { Badge } from "../ui/badge.js";
import { Button, IconButton } from "../ui/button.js";
import { Empty } from "../ui/empty.js";
import { Switch } from "../ui/field.js";
import { Icon } from "../ui/icon.js";
import { shown, useFetched } from "./fetched.js";
import { PluginPage } from "./plugin-page.js";

/** detail: name of a plugin's file, whose settings are shown. */
export function PluginsPage({ detail }) {
  return detail ? html`<${PluginPage} key=${detail} id=${detail} />` : html`<${List} />`;
}

function List() {
  const fetched = useFetched("plugins_list");
  const reloadAll = async () => {
    await attempt("plugins_reload", {}, "Plugins loaded anew");
    await fetched.load();
  };
  return html`
    <div class="settings-form">
      <header class="running-head">
        <p class="settings-note">Plugins are files in the folder plugins/ beside config.json. They run inside the server and are trusted as much as it: add only what you have read.</p>
        <${Button} icon="refresh-cw" onClick=${reloadAll}>Reload all</${Button}>
      </header>
      ${shown(fetched, ({ plugins }) => {
        const list = Object.entries(plugins).sort(([, a], [, b]) => Number(b.enabled) - Number(a.enabled) || a.name.localeCompare(b.name));
        if (!list.length) return html`<${Empty} icon="puzzle" title="No plugins here" text="Put a file into the folder plugins/, then reload." />`;
        return html`<ul class="plugin-list" role="list">${list.map(([id, plugin]) => html`<${Row} key=${id} id=${id} plugin=${plugin} fetched=${fetched} />`)}</ul>`;
      })}
    </div>
  `;
}

function Row({ id, plugin, fetched }) {
  const { name, description, version, handles, enabled, running, failures, commands, error, switchable, settings } = plugin;
  const turn = async (on) => {
    const answer = await attempt("plugin_set_enabled", { plugin: id, enabled: on }, `${name} is ${on ? "on" : "off"}`);
    if (answer) fetched.put({ ...fetched.answer, plugins: { ...fetched.answer.plugins, [id]: answer.entry } });
    else await fetched.load();
  };
  const reload = async () => {
    await attempt("plugins_reload", { plugin: id }, `${name} loaded anew`);
    await fetched.load();
  };
  const state = error && !running ? ["danger", "circle-alert", "Does not run"] : running ? ["success", "circle-check", "Running"] : ["neutral", "circle", "Off"];
  return html`
    <li class="plugin" data-running=${running ? "" : null}>
      <div class="plugin-head">
        <span class="plugin-icon"><${Icon} name="puzzle" size=${20} /></span>
        <div class="settings-row-main">
          <h2 class="running-title">${name}${version && html` <small>${version}</small>`}</h2>
          <p class="running-facts">
            <${Badge} kind=${state[0]} icon=${state[1]}>${state[2]}</${Badge}>
            ${failures > 0 && html`<${Badge} kind="warning" icon="triangle-alert">${plural(failures, "failure")} in ten minutes</${Badge}>`}
            <code>${id}.py</code>
          </p>
        </div>
        <${IconButton} icon="refresh-cw" label=${`Reload ${name}`} tip="Reload" onClick=${reload} />
        ${switchable && html`<${Switch} label=${`${name} is on`} hideLabel value=${enabled} onInput=${turn} />`}
      </div>
      ${description && html`<p class="plugin-text">${description}</p>`}
      ${error && html`<p class="running-problem" role="alert"><${Icon} name="circle-alert" size=${16} />${error}</p>`}
      <dl class="running-facts-list">
        ${handles.length > 0 && html`<div><dt>Hears</dt><dd>${names(handles, 12)}</dd></div>`}
        ${commands.length > 0 && html`<div><dt>Commands</dt><dd>${names(commands, 12)}</dd></div>`}
      </dl>
      ${settings && capabilities.value.has("plugin_settings_get") && html`<div><${Button} size="s" icon="sliders-horizontal" aria-label=${`Settings of ${name}`} onClick=${() => go({ page: "settings", section: `plugins:${id}` })}>Settings</${Button}></div>`}
    </li>
  `;
}
