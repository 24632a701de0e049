import { batch, computed, signal } from "@preact/signals";
import type { FrozenRun, LiveStatus } from "../../reports/live-status.js";
import type { Zone } from "../model/format.js";
import { PageHistory } from "../model/history.js";

/** Where the page's numbers come from now. */
export type Link =
  /** Asked for, and nothing has come yet. */
  | "connecting"
  | "live"
  /** It was live: what is shown is old, and it is tried again. */
  | "lost"
  /** The daemon wants a token, or another one. */
  | "token"
  /** A run that is over: a file. */
  | "frozen";

export const link = signal<Link>("connecting");
/** What the run is like now; null before anything has come. */
export const live = signal<LiveStatus | null>(null);
const held = { history: new PageHistory({ layout: -1, series: [], tiers: [], marks: [] }) };
/** Grows when the history has changed, which is too large to be copied each second. */
const changes = signal(0);
export const history = computed(() => {
  changes.value;
  return { current: held.history };
});

/** Has the history changed in place, or puts another one in its place. */
export function changeHistory(change: (history: PageHistory) => PageHistory | undefined): void {
  held.history = change(held.history) ?? held.history;
  changes.value++;
}

/** A run that is over. */
export function freeze({ history, live: status }: FrozenRun): void {
  batch(() => {
    changeHistory(() => new PageHistory(history));
    live.value = status;
    link.value = "frozen";
  });
}

/** Orders can be given here. */
export const hasControls = document.documentElement.dataset.controls === "yes";

/** The task that the charts are about; null: all. */
export const chosenTask = signal<string | null>(null);

/** How far back the charts reach, seconds. */
export const span = signal(600);
/** A part of the time that is looked at closely; null: up to now. */
export const zoom = signal<{ readonly from: number; readonly to: number } | null>(null);
/** The moment under the cursor, Unix seconds; null: it is nowhere. */
export const cursor = signal<number | null>(null);

export const zone = signal<Zone>(remembered("zone") === "UTC" ? "UTC" : "local");

export function chooseZone(chosen: Zone): void {
  zone.value = chosen;
  try {
    localStorage.setItem("celery-load zone", chosen);
  } catch {
    // A browser that keeps nothing for this page: it is asked again next time.
  }
}

function remembered(name: string): string | null {
  try {
    return localStorage.getItem(`celery-load ${name}`);
  } catch {
    return null;
  }
}

/** From when to when the charts go. */
export const shown = computed(() => {
  if (zoom.value !== null) return zoom.value;
  const { current } = history.value;
  const to = current.newestAt ?? live.value?.at ?? Date.now() / 1000;
  const oldest = current.oldestAt ?? to;
  // A run that is shorter than the span fills the chart, but for its first minute.
  const from = Math.max(to - span.value, Math.min(oldest, to - 60));
  return { from, to };
});
