import type { Source, Told } from "./delivery.ts";
import type { Api } from "./request.ts";
import { createStore } from "./store.ts";
import type { Store } from "./store.ts";

export interface SignalsStoreOptions {
  source: Source;
  api: Api;
  stream: string;
  /** What they are about, such as `typing`. */
  kind: string;
  /** The secret by which the server tells this window from others of its browser. */
  window: string;
  /** Milliseconds of a clock that is never set back. Default: `performance.now`. */
  now?: () => number;
}

/** What another window says, as long as it holds. */
export interface HeardSignal<Data> {
  /** One window of a person. */
  readonly sender: string;
  readonly person: string;
  /** Since when it holds, in Unix milliseconds. */
  readonly since: number;
  /** What the sender says, of itself too: a claim, not a fact. */
  readonly data?: Data;
}

/** What others tell the readers of a stream in this moment, who began first comes first. What one tells oneself is not in it. */
export interface SignalsStore<Data> extends Store<readonly HeardSignal<Data>[]> {
  /** Says it for the next six seconds. It may be called as often as one likes, with each key that is pressed: it is sent at once, then
   *  each 3 s, and each second where the data changes. */
  send: (data?: Data) => void;
  /** It holds no longer. */
  stop: () => void;
}

/** How often what still holds is sent again, and how soon something else. */
const RENEW_MS = 3_000;
const GAP_MS = 1_050;
/** What came and was never stopped is over after so long, whatever it says. */
const MAX_TTL_MS = 60_000;
const TTL_MS = 5_750;
/** Senders that are shown; of more the earliest are dropped. */
const MAX_SENDERS = 100;

/** Makes the store of one kind of signals of one stream. A signal is dropped six seconds after the last, since a sender that dies says
 *  nothing.
 *  Source: PROTOCOL.md "Signals". */
export function createSignalsStore<Data>(options: SignalsStoreOptions): SignalsStore<Data> {
  const { source, api, stream, kind, window, now = () => performance.now() } = options;
  const heard = new Map<string, { signal: HeardSignal<Data>; endsAt: number }>();
  let expiring: ReturnType<typeof setTimeout> | undefined;
  /** What this window says: when it was sent last, as JSON text. */
  let said: { text: string; at: number } | undefined;
  let waiting: ReturnType<typeof setTimeout> | undefined;
  let next: { stop: true } | { data?: Data } | undefined;
  let isSending = false;
  let own: string | undefined;
  let firstSentAt = Infinity;
  const store = createStore<readonly HeardSignal<Data>[]>([], () => {
    const stopListening = source.listen(stream, take);
    return () => {
      stopListening();
      stop();
      heard.clear();
      show();
    };
  });

  function take({ event, data }: Told): void {
    if (event !== "signal" || data["kind"] !== kind) return;
    // The event is the server's own; what is in `data` is the caller's word.
    const signal = data as unknown as WireSignal<Data>;
    const former = heard.get(signal.sender)?.signal;
    if (signal.stop === true) heard.delete(signal.sender);
    else {
      const endsAt = now() + Math.min(signal.ttlMs ?? TTL_MS, MAX_TTL_MS);
      heard.set(signal.sender, { signal: keep(former, signal), endsAt });
    }
    const [first] = heard.keys();
    if (first !== undefined && heard.size > MAX_SENDERS) heard.delete(first);
    show();
  }

  function show(): void {
    clearTimeout(expiring);
    for (const [sender, { endsAt }] of heard) if (endsAt <= now()) heard.delete(sender);
    const ends = [...heard.values()].map(({ endsAt }) => endsAt);
    if (ends.length > 0) expiring = setTimeout(show, Math.max(0, Math.min(...ends) - now()));
    const signals = [...heard.values()].map(({ signal }) => signal).filter((signal) => !isOwn(signal));
    const shown = store.getSnapshot();
    if (signals.length !== shown.length || signals.some((one, index) => one !== shown[index])) {
      store.set(signals);
    }
  }

  /** While the server is about to say who this window is, what comes after its first word may be that. */
  function isOwn({ sender, since }: HeardSignal<Data>): boolean {
    return own === undefined && isSending ? since >= firstSentAt : sender === own;
  }

  function send(data?: Data): void {
    const text = JSON.stringify(data ?? null);
    const dueAt = said === undefined ? 0 : said.at + (said.text === text ? RENEW_MS : GAP_MS);
    clearTimeout(waiting);
    if (now() >= dueAt) say(data, text);
    else if (said?.text !== text) waiting = setTimeout(() => say(data, text), dueAt - now());
  }

  function say(data: Data | undefined, text: string): void {
    said = { text, at: now() };
    firstSentAt = Math.min(firstSentAt, Date.now());
    void post(data === undefined ? {} : { data });
  }

  function stop(): void {
    clearTimeout(waiting);
    if (said === undefined) return;
    said = undefined;
    void post({ stop: true });
  }

  /** One request at a time, so that a stop does not overtake what it ends; of what waits only the latest is sent. */
  async function post(body: NonNullable<typeof next>): Promise<void> {
    next = body;
    if (isSending) return;
    isSending = true;
    while (next !== undefined) {
      const latest: typeof next = next;
      next = undefined;
      try {
        const answer = await api.send(
          "POST",
          `/v1/signals/${stream}`,
          { kind, browser: source.browser, window, ...latest },
          { patienceMs: 0 },
        );
        own = (answer as { sender: string }).sender; // PROTOCOL.md "Signals"
      } catch {
        // It was not told, which is what may happen to any signal. The next one, in three seconds, is another try.
      }
    }
    isSending = false;
    show();
  }

  return { getSnapshot: store.getSnapshot, subscribe: store.subscribe, send, stop };
}

interface WireSignal<Data> {
  sender: string;
  person: string;
  ttlMs?: number;
  stop?: true;
  data?: Data;
}

/** The same object while nothing has changed, so that nothing is drawn again. */
function keep<Data>(
  former: HeardSignal<Data> | undefined,
  { sender, person, data }: WireSignal<Data>,
): HeardSignal<Data> {
  if (former !== undefined && JSON.stringify(former.data) === JSON.stringify(data)) return former;
  return { sender, person, since: former?.since ?? Date.now(), ...(data !== undefined && { data }) };
}
