// Keeps the page up to date: the stream tells that something is new, and what it does not carry is fetched.
import { app } from "../state/app.svelte";
import { titleOf } from "../state/findings";
import { getAbout, getGeometry, getHealth, getIds, getSensors, getTimeline, Refusal } from "./client";
import { forgetValues } from "./shown";
import { listen, type News } from "./stream";

/** Between looks at what the stream does not tell, ms. */
const SLOW = 30_000;
/** Sensors are fetched with each cycle, but no more often than this, ms. */
const SENSORS_EVERY = 3000;
const UNREACHABLE = 0;

let end: (() => void) | null = null;
let ticking: ReturnType<typeof setInterval> | undefined;
let fetchedSensors = 0;
let begun = 0;

/** Fetches what there is and follows the news. */
export function begin(): void {
  stop();
  begun = Date.now();
  end = listen(heard);
  ticking = setInterval(() => void lookSlowly(), SLOW);
  addEventListener("offline", lose);
  addEventListener("online", begin);
  void refetch();
}

/** A stream whose network is gone may seem open for minutes. */
function lose(): void {
  heard({ kind: "lost" });
}

export function stop(): void {
  removeEventListener("offline", lose);
  removeEventListener("online", begin);
  end?.();
  end = null;
  clearInterval(ticking);
}

function heard(news: News): void {
  const now = Date.now();
  switch (news.kind) {
    case "opened": {
      const again = app.data.connection.status === "lost";
      app.tell({ kind: "opened", now });
      if (again) void refetch();
      return;
    }
    case "lost":
      app.tell({ kind: "lost", now });
      void attempt(lookAtHealth); // tells a lost connection from a lost session
      return;
    case "state":
      app.tell({ kind: "state", state: news.state, now });
      if (news.state.reason === "revised") forgetValues();
      void attempt(lookAtTimeline);
      if (now - fetchedSensors >= SENSORS_EVERY) void attempt(lookAtSensors);
      return;
    case "finding": {
      const fresh = !app.data.findings.has(news.finding.id) && now - begun > SENSORS_EVERY;
      app.tell({ kind: "finding", finding: news.finding });
      if (fresh) app.announcement = app.words.announce.warning(titleOf(news.finding, app.words));
      return;
    }
    case "health":
      app.tell({ kind: "health", health: news.health });
  }
}

/** Runs a fetch and gives the status of a refusal. That is no accident: the part of the page that lives on it says so itself. */
async function attempt(fetching: () => Promise<void>): Promise<number | null> {
  try {
    await fetching();
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    if (error.status === 401) {
      stop();
      app.tell({ kind: "signed", out: true });
    }
    return error.status;
  }
  return null;
}

async function refetch(): Promise<void> {
  await Promise.all([lookAtHealth, lookAtAbout, lookAtNetwork, lookAtTimeline, lookAtSensors].map(attempt));
}

/** What the stream does not tell; and whether it still can tell anything. */
async function lookSlowly(): Promise<void> {
  const refused = await attempt(lookAtHealth);
  if (refused === UNREACHABLE) return lose();
  if (refused === null && app.data.connection.status === "lost") return begin();
  await attempt(lookAtSensors);
  if (!app.data.about) await attempt(lookAtAbout);
  await attempt(lookAtNetwork);
}

async function lookAtHealth(): Promise<void> {
  const { answer, ahead } = await getHealth();
  app.tell({ kind: "health", health: answer, ahead });
}

/** What the twin is of; another network than before is fetched anew. */
async function lookAtAbout(): Promise<void> {
  const before = app.data.about?.network.hash;
  const about = await getAbout();
  app.tell({ kind: "about", about });
  if (before !== undefined && before !== about.network.hash) await fetchNetwork();
}

/** What lies in the ground, unless it is there. */
async function lookAtNetwork(): Promise<void> {
  if (!app.data.geometry || !app.data.elements) await fetchNetwork();
}

async function fetchNetwork(): Promise<void> {
  const [ids, geometry] = await Promise.all([getIds(), getGeometry()]);
  app.tell({ kind: "elements", ...ids });
  app.tell({ kind: "geometry", geometry });
}

async function lookAtTimeline(): Promise<void> {
  app.tell({ kind: "timeline", timeline: await getTimeline() });
}

async function lookAtSensors(): Promise<void> {
  fetchedSensors = Date.now();
  app.tell({ kind: "sensors", sensors: await getSensors() });
}
