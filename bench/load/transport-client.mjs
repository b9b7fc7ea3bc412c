import { connect } from "node:net";
import { chromiumGet, clientFrame } from "./chromium-head.mjs";
import { MarkScanner } from "./marks.mjs";

/** One client on raw sockets that sends what Chromium sends, and counts. */
export class TransportClient {
  up = 0;
  down = 0;
  requests = 0;
  scanner = new MarkScanner();
  #options;
  #socket;
  #timer;
  #after = 0;
  #body = "";

  /** @param {{kind: "sse" | "ws" | "socket-io" | "poll" | "long-poll", port: number, path: string, everyMs?: number}} options */
  constructor(options) {
    this.#options = options;
  }

  /** Resolves when it is connected: what is published from now on comes. */
  async open() {
    const { kind, port, path, everyMs } = this.#options;
    this.#socket = connect(port, "127.0.0.1");
    this.#socket.setNoDelay(true);
    this.#socket.on("error", () => undefined); // `close` follows
    const head = new Promise((resolve) => this.#socket.once("data", resolve));
    this.#socket.on("data", (bytes) => this.#take(bytes));
    if (kind === "poll" || kind === "long-poll") {
      this.#ask();
      if (kind === "long-poll") return new Promise((resolve) => this.#socket.once("connect", resolve));
      await head;
      this.#timer = setTimeout(() => {
        this.#ask();
        this.#timer = setInterval(() => this.#ask(), everyMs);
      }, Math.random() * everyMs);
      return undefined;
    }
    this.#send(chromiumGet(kind === "sse" ? "sse" : "ws", port, path), true);
    await head;
    if (kind === "socket-io") this.#send(clientFrame("40"));
    return undefined;
  }

  #send(text, isRequest = false) {
    this.up += text.length;
    if (isRequest) this.requests += 1;
    this.#socket.write(text, "latin1");
  }

  #ask() {
    const { kind, port, path } = this.#options;
    const wait = kind === "long-poll" ? "&wait=1" : "";
    this.#send(chromiumGet("fetch", port, `${path}?after=${this.#after}${wait}`), true);
  }

  #take(bytes) {
    this.down += bytes.length;
    this.scanner.take(bytes);
    const { kind } = this.#options;
    // Its ping, of one byte; the client answers.
    if (kind === "socket-io" && bytes.length === 3 && bytes.toString("latin1") === "\x81\x012")
      this.#send(clientFrame("3"));
    if (kind === "poll" || kind === "long-poll") this.#takeBody(bytes.toString("latin1"));
  }

  /** An answer is whole when its length says so; its `next` is where the next question begins. */
  #takeBody(text) {
    this.#body += text;
    const end = this.#body.indexOf("\r\n\r\n");
    const length = Number(/content-length: (\d+)/i.exec(this.#body)?.[1]);
    if (end === -1 || this.#body.length < end + 4 + length) return;
    this.#after = JSON.parse(this.#body.slice(end + 4)).next;
    this.#body = "";
    if (this.#options.kind === "long-poll") this.#ask();
  }

  close() {
    clearTimeout(this.#timer);
    clearInterval(this.#timer);
    this.#socket.destroy();
  }
}
