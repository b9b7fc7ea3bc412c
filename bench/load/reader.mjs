import { connect } from "node:net";
import { FENCE, MARK_LENGTH, TILDE, nowMicros, readDigits } from "./event.mjs";

const MAX_LATENCIES = 400_000;
const KEEP = 64;
const CR = 13;
const LETTER_P = 112;
const LETTER_T = 84;
/** CR LF, up to eight digits, CR LF. */
const FRAMING = 12;

/** What all readers of this process are told, and what they tell.
 *  @type {{fence: {bytes: Buffer, sequence: number} | undefined, base: Record<string, number>, latencies: number[], onChange?: () => void}} */
export const watch = { fence: undefined, base: {}, latencies: [], onChange: undefined };

/** One buffer for all: what was read is scanned before the next read. */
const shared = Buffer.allocUnsafe(65_536);

/** A connection that reads a stream. A sampled one checks the order of every event and takes its latency; another counts
 *  bytes, and looks for the fence once there is one. */
export class Reader {
  bytes = 0;
  events = 0;
  lost = 0;
  disorder = 0;
  hasHead = false;
  hasFence = false;
  isEnded = false;
  /** The last `id`, where it is tracked. */
  id = "";
  #next = new Map();
  #carry = Buffer.alloc(0);
  #isLeaving = false;

  /** @param {{port: number, request: string, isSampled: boolean, tracksId: boolean, hello?: string}} options
   *         `hello`: what it sends once it is answered. */
  constructor(options) {
    this.options = options;
  }

  open() {
    this.hasHead = false;
    this.isEnded = false;
    this.#isLeaving = false;
    this.#carry = Buffer.alloc(0);
    const { port, request } = this.options;
    return new Promise((resolve) => {
      this.onHead = resolve;
      const onread = {
        buffer: shared,
        callback: (length, buffer) => {
          this.take(length === buffer.length ? buffer : buffer.subarray(0, length));
          return true;
        },
      };
      const socket = connect({ port, host: "127.0.0.1", onread });
      this.socket = socket;
      socket.on("error", () => undefined); // `close` follows
      socket.on("close", () => {
        if (!this.#isLeaving && socket === this.socket) this.isEnded = true;
        resolve();
        watch.onChange?.();
      });
      const id = this.id === "" ? "" : `Last-Event-ID: ${this.id}\r\n`;
      this.socket.write(request.replace("\r\n\r\n", `\r\n${id}\r\n`), "latin1");
    });
  }

  /** From here on everything is new. */
  reset() {
    this.bytes = 0;
    this.events = 0;
    this.lost = 0;
    this.disorder = 0;
    this.#next.clear();
  }

  take(bytes) {
    this.bytes += bytes.length;
    if (!this.hasHead) {
      this.hasHead = true;
      this.status = Number(bytes.subarray(9, 12).toString("latin1"));
      if (this.options.hello !== undefined) this.socket.write(this.options.hello, "latin1");
      this.onHead();
    }
    if (this.options.isSampled) this.#scan(bytes);
    else if (watch.fence !== undefined && !this.hasFence) this.#look(bytes);
  }

  /** Waits for the fence only. */
  #look(bytes) {
    const joined = this.#carry.length === 0 ? bytes : Buffer.concat([this.#carry, bytes]);
    if (joined.includes(watch.fence.bytes)) {
      this.hasFence = true;
      this.#carry = Buffer.alloc(0);
      watch.onChange?.();
    } else this.#carry = Buffer.from(joined.subarray(Math.max(0, joined.length - KEEP)));
  }

  /** Takes each mark: order, latency, fence. */
  #scan(piece) {
    const joined = this.#carry.length === 0 ? piece : Buffer.concat([this.#carry, piece]);
    const now = nowMicros();
    // Whoever comes back with an id takes whole events only: half of one comes again.
    const whole = this.options.tracksId ? joined.lastIndexOf("\n\n") + 2 : joined.length;
    if (whole === 1) {
      this.#carry = Buffer.from(joined);
      return;
    }
    const bytes = joined.subarray(0, whole);
    let done = 0;
    for (let at = bytes.indexOf(TILDE); at !== -1; at = bytes.indexOf(TILDE, at + MARK_LENGTH)) {
      // 126 is also how the length of a WebSocket's frame may begin.
      if (at + 1 < bytes.length && bytes[at + 1] !== LETTER_T && bytes[at + 1] !== CR) {
        at += 1 - MARK_LENGTH;
        continue;
      }
      const isSplit = bytes[at + 18] !== LETTER_P || bytes.subarray(at, at + MARK_LENGTH).includes(CR);
      if (at + MARK_LENGTH + (isSplit ? FRAMING : 0) > bytes.length) break;
      if (isSplit) this.#takeMark(unframed(bytes.subarray(at, at + MARK_LENGTH + FRAMING)), 0, now);
      else this.#takeMark(bytes, at, now);
      done = at + MARK_LENGTH;
    }
    if (this.options.tracksId) this.#trackId(bytes);
    this.#carry = Buffer.from(
      joined.subarray(this.options.tracksId ? whole : Math.max(done, joined.length - KEEP)),
    );
  }

  #takeMark(bytes, at, now) {
    const publisher = readDigits(bytes, at + 19, 2);
    const sequence = readDigits(bytes, at + 22, 8);
    if (watch.fence !== undefined && publisher === FENCE) {
      if (sequence === watch.fence.sequence) this.hasFence = true;
      watch.onChange?.();
      return;
    }
    this.events += 1;
    const next =
      this.#next.get(publisher) ??
      (watch.base[publisher] === undefined ? sequence : watch.base[publisher] + 1);
    if (sequence < next) this.disorder += 1;
    else {
      this.lost += sequence - next;
      this.#next.set(publisher, sequence + 1);
    }
    if (watch.latencies.length < MAX_LATENCIES) watch.latencies.push(now - readDigits(bytes, at + 2, 16));
  }

  #trackId(bytes) {
    const before = bytes.lastIndexOf("\nid: ");
    // Without chunks, what follows a whole event begins with it.
    if (before === -1 && bytes.indexOf("id: ") !== 0) return;
    const end = bytes.indexOf("\n", before + 5);
    if (end !== -1) this.id = bytes.toString("latin1", before + 5, end).trim();
  }

  /** Events that were sent, and that are not going to come: after the fence. */
  missesOf(sent) {
    return Object.entries(sent).reduce((sum, [publisher, last]) => {
      const next = this.#next.get(Number(publisher)) ?? (watch.base[publisher] ?? 0) + 1;
      return sum + Math.max(0, last + 1 - next);
    }, 0);
  }

  /** What it read last, for an error. */
  get tail() {
    return this.#carry.toString("latin1");
  }

  leave() {
    this.#isLeaving = true;
    // Without waiting in TIME_WAIT: tens of thousands of connections follow each other.
    this.socket.resetAndDestroy();
  }
}

/** A mark that a relay has cut into two chunks, whole again. */
function unframed(bytes) {
  return Buffer.from(bytes.toString("latin1").replace(/\r\n[0-9a-f]+\r\n/i, ""), "latin1");
}
