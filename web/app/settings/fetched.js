// What a settings page shows of one answer of the server: fetched when there is a connection, and after each new one.
import { html, useEffect, useRef, useState } from "../lib.js";
import { online, request } from "../core/connection.js";
import { Problem } from "../ui/empty.js";
import { Skeleton } from "../ui/spinner.js";

/** {answer, error: null before they are known, load(): asks again, keeping what is shown, put(answer): replaces it,
 *  edit(change): replaces one that is there by change(answer), for what events tell}.
 *  enabled: false asks nothing. An answer to earlier fields is dropped. */
export function useFetched(cmd, fields = {}, { enabled = true } = {}) {
  const [state, setState] = useState({ answer: null, error: null });
  const latest = useRef(0);
  const ready = enabled && online.value === "online";
  const load = async () => {
    const mine = ++latest.current;
    try {
      const answer = await request(cmd, fields);
      if (mine === latest.current) setState({ answer, error: null });
    } catch (error) {
      if (mine === latest.current) setState((before) => ({ ...before, error }));
    }
  };
  useEffect(() => {
    if (ready) load();
    return () => latest.current++;
  }, [cmd, JSON.stringify(fields), ready]);
  const put = (answer) => {
    latest.current++;
    setState({ answer, error: null });
  };
  // answers and events come in order, so one that is under way has what an earlier event told
  const edit = (change) => setState((now) => (now.answer ? { ...now, answer: change(now.answer) } : now));
  return { ...state, load, put, edit };
}

/** draw(answer), or what stands for it while there is none. */
export function shown({ answer, error, load }, draw) {
  if (answer) return draw(answer);
  if (error) return html`<${Problem} error=${error} onRetry=${load} />`;
  return html`<div class="settings-loading" role="status" aria-label="Loading"><${Skeleton} lines=${6} /></div>`;
}
