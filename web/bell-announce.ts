import { createKept } from "./kept.ts";
import { readNotice } from "./notif.ts";

/** Whether a person wants the browser to announce what comes while no page of ours is looked at. */
export const keptAnnounce = createKept("announce");

/** Held by each page that is looked at, and by the one page that announces: storage is told to other tabs too late to agree by. */
const VISIBLE = "millrace:visible";
const ANNOUNCING = "millrace:announcing";
/** One notification of the browser, which says more each time. */
const TAG = "millrace";
const NAMED = 3;

/** What came since a page was last looked at: how many, and the last titles. */
interface Held {
  count: number;
  titles: readonly string[];
}

const NOTHING: Held = { count: 0, titles: [] };
let held = NOTHING;
let shown: Notification | undefined;
let isAnnouncer = false;

/** What can be announced here: a page of an insecure origin can nothing. */
export function canAnnounce(): boolean {
  return "Notification" in globalThis && "locks" in navigator;
}

/** Asks the person, once, by the browser's own question. Done: what was answered is kept. */
export async function turnOn(): Promise<boolean> {
  const isGranted = (await Notification.requestPermission()) === "granted";
  keptAnnounce.set(isGranted ? "on" : undefined);
  return isGranted;
}

export function turnOff(): void {
  keptAnnounce.set(undefined);
}

/** Lets the other tabs know that one is looked at, and takes back what was announced, until the returned function is called. */
export function holdWhileVisible(): () => void {
  let release: (() => void) | undefined;
  const update = () => {
    const isVisible = document.visibilityState === "visible";
    if (isVisible) {
      held = NOTHING;
      shown?.close();
      shown = undefined;
    }
    if (isVisible === (release !== undefined)) return;
    release?.();
    release = undefined;
    if (!isVisible || !canAnnounce()) return;
    const isOver = new Promise<void>((resolve) => (release = resolve));
    void navigator.locks.request(VISIBLE, { mode: "shared" }, () => isOver);
  };
  update();
  document.addEventListener("visibilitychange", update);
  return () => {
    document.removeEventListener("visibilitychange", update);
    release?.();
  };
}

/** Stands in line to be the tab that announces, until the returned function is called. A page that is put to sleep steps back. */
export function standToAnnounce(): () => void {
  let leave: (() => void) | undefined;
  const stand = () => {
    if (leave !== undefined || !canAnnounce()) return;
    let isLeft = false;
    const isOver = new Promise<void>((resolve) => {
      leave = () => {
        isLeft = true;
        isAnnouncer = false;
        resolve();
      };
    });
    void navigator.locks.request(ANNOUNCING, () => {
      isAnnouncer = !isLeft;
      return isOver;
    });
  };
  const stepBack = () => {
    leave?.();
    leave = undefined;
  };
  const turns = { pagehide: stepBack, pageshow: stand };
  for (const [name, turn] of Object.entries(turns)) addEventListener(name, turn);
  document.addEventListener("freeze", stepBack);
  document.addEventListener("resume", stand);
  stand();
  return () => {
    for (const [name, turn] of Object.entries(turns)) removeEventListener(name, turn);
    document.removeEventListener("freeze", stepBack);
    document.removeEventListener("resume", stand);
    stepBack();
  };
}

/** Announces what has come while this page is hidden, as one with what came since: unless a person looks at another tab, and by one tab. */
export async function announce(fresh: readonly { event: object }[]): Promise<void> {
  if (keptAnnounce.get() !== "on" || !canAnnounce() || Notification.permission !== "granted") return;
  const titles = fresh.slice(-NAMED).map(({ event }) => readNotice(event).title);
  held = { count: held.count + fresh.length, titles: [...held.titles, ...titles].slice(-NAMED) };
  const { held: locks = [] } = await navigator.locks.query();
  if (locks.some(({ name }) => name === VISIBLE)) held = NOTHING;
  else if (isAnnouncer) show(held);
}

function show({ count, titles }: Held): void {
  const [title = ""] = count === 1 ? titles : [`${count.toLocaleString("en")} new notifications`];
  try {
    shown = new Notification(title, { tag: TAG, ...(count > 1 && { body: titles.join("\n") }) });
    shown.addEventListener("click", () => focus());
  } catch {
    // Chrome on Android lets only a service worker announce: the count in the title remains.
  }
}
