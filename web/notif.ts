/** The notifications of the person at this page, and those that the demo sends. Nobody signs in yet: everybody is the same one. */
export const NOTIFICATIONS = "notifications/local";
export const DEMO_NOTIFICATIONS = "demo/notifications";

/** A notification as it is shown. */
export interface Notice {
  title: string;
  text?: string;
  /** What it is about, by which it can be muted. */
  topic?: string;
  /** Where it leads: `http` or `https`. */
  href?: string;
  /** Unix milliseconds. */
  at?: number;
}

const MAX_TITLE = 200;
const MAX_TEXT = 1_000;

/** Reads what somebody published. Whatever it is, it is shown: it counts as unread, so there has to be something to read. */
export function readNotice(event: object): Notice {
  const { title, text, topic, href, at } = event as Record<string, unknown>; // an object has members
  const isTitled = typeof title === "string" && title.trim() !== "";
  const body = isTitled ? text : JSON.stringify(event);
  const address = readAddress(href);
  return {
    title: isTitled ? title.slice(0, MAX_TITLE) : "Without a title",
    ...(typeof body === "string" && body !== "" && { text: body.slice(0, MAX_TEXT) }),
    ...(typeof topic === "string" && topic !== "" && { topic }),
    ...(address !== undefined && { href: address }),
    ...(typeof at === "number" && Number.isFinite(at) && { at }),
  };
}

/** A count as it stands on a bell. */
export function sayCount(count: number, isPartial = false): string {
  if (count > 99) return "99+";
  return isPartial ? `${count}+` : String(count);
}

function readAddress(href: unknown): string | undefined {
  if (typeof href !== "string") return undefined;
  try {
    const url = new URL(href, location.origin);
    return /^https?:$/.test(url.protocol) ? url.href : undefined;
  } catch {
    return undefined; // No address: what it says can still be read.
  }
}
