import type { Told } from "./delivery.ts";
import type { Attendance } from "./attendance.ts";
import type { Api } from "./request.ts";

export interface LeasesOptions {
  api: Api;
  /** The secret of this browser. */
  browser: string;
  /** Unix milliseconds. */
  now: () => number;
  /** The server has answered who is here. */
  onTold: (stream: string, told: Told) => void;
}

/** Where this browser is, as the server is told: renewed while it holds. */
export interface Leases {
  set(attendances: ReadonlyMap<string, Attendance>): void;
  /** Tells the server now, since the connection has been opened anew: the server may be another. */
  renew(): void;
  /** Does what is due; the browser slows the timers of a hidden page down. */
  tick(): void;
  /** Says nothing: that the connection was closed is enough, and another tab may go on. */
  close(): void;
}

/** Until the server says how often. */
const RENEW_MS = 20_000;
/** Whoever leaves and comes back at once, as a page that mounts twice, has not left. */
const LINGER_MS = 1_000;

/** Makes the leases of one browser. */
export function createLeases({ api, browser, now, onTold }: LeasesOptions): Leases {
  let held = new Map<string, Attendance>();
  const leaving = new Map<string, ReturnType<typeof setTimeout>>();
  let renewMs = RENEW_MS;
  let renewedAt = -Infinity;
  let timer: ReturnType<typeof setTimeout> | undefined;

  async function post(stream: string, body: object): Promise<void> {
    try {
      const answer = await api.send(
        "POST",
        `/v1/presence/${stream}`,
        { browser, ...body },
        { patienceMs: 0 },
      );
      const data = answer as { renewMs: number } & Record<string, unknown>; // PROTOCOL.md "Presence"
      renewMs = data.renewMs;
      schedule();
      onTold(stream, { event: "presence", data });
    } catch {
      // It was not renewed now: the next renewal comes before the lease ends, and the connection's view says what is wrong.
    }
  }

  function say({ stream, data }: Attendance): void {
    void post(stream, data === undefined ? {} : { data });
  }

  function renew(): void {
    renewedAt = now();
    for (const attendance of held.values()) say(attendance);
    schedule();
  }

  function schedule(): void {
    clearTimeout(timer);
    // A clock that was set back must not make it wait for hours.
    const wait = Math.min(renewMs, Math.max(0, renewedAt + renewMs - now()));
    if (held.size > 0) timer = setTimeout(renew, wait);
  }

  function leave(stream: string): void {
    clearTimeout(leaving.get(stream));
    const end = () => {
      leaving.delete(stream);
      if (!held.has(stream)) void post(stream, { leave: true });
    };
    leaving.set(stream, setTimeout(end, LINGER_MS));
  }

  return {
    set(attendances) {
      const former = held;
      held = new Map(attendances);
      for (const stream of former.keys()) if (!held.has(stream)) leave(stream);
      for (const [stream, attendance] of held) {
        if (isSame(former.get(stream), attendance) && !leaving.has(stream)) continue;
        clearTimeout(leaving.get(stream));
        leaving.delete(stream);
        say(attendance);
      }
      if (former.size === 0) renewedAt = now();
      schedule();
    },
    renew,
    tick() {
      if (held.size > 0 && Math.abs(now() - renewedAt) >= renewMs) renew();
    },
    close() {
      clearTimeout(timer);
      for (const one of leaving.values()) clearTimeout(one);
      held.clear();
      leaving.clear();
    },
  };
}

function isSame(a: Attendance | undefined, b: Attendance): boolean {
  return a !== undefined && JSON.stringify(a.data) === JSON.stringify(b.data);
}
