// The one place that knows which libraries draw the page; everything else imports from here.
import { Fragment, createContext, createElement, render } from "../vendor/preact.js";
import { useState } from "../vendor/hooks.js";
import htm from "../vendor/htm.js";

export const html = htm.bind(createElement);
export { Fragment, createContext, render };
export {
  useCallback, useContext, useEffect, useErrorBoundary, useLayoutEffect, useMemo, useRef, useState,
} from "../vendor/hooks.js";
export {
  batch, computed, effect, signal, untracked, useComputed, useSignal, useSignalEffect,
} from "../vendor/signals.js";

let ids = 0;

/** An id of the page for this component. Preact's own repeats itself in every root, and each dialog is one. */
export function useId() {
  return useState(() => `id-${++ids}`)[0];
}
