import type { Bundle } from "../../src/hub/bundle.ts";
import type { Sink, SinkListener } from "../../src/hub/sink.ts";

/** A reader's end: keeps what it is given, and takes no more when it is told so. */
export class FakeSink implements Sink {
  bundles: Bundle[] = [];
  isStuck = false;
  isEnded = false;
  isDestroyed = false;
  buffered = 0;
  #listener: SinkListener | undefined;
  readonly #isGone: boolean;

  constructor({ isGone = false } = {}) {
    this.#isGone = isGone;
  }

  attach(listener: SinkListener): void {
    this.#listener = listener;
    if (this.#isGone) listener.onClose();
  }

  write(bundle: Bundle): boolean {
    this.bundles.push(bundle);
    if (this.isStuck) this.buffered += bundle.payload.length;
    return !this.isStuck;
  }

  drain(): void {
    this.buffered = 0;
    this.#listener?.onDrain();
  }

  leave(): void {
    this.#listener?.onClose();
  }

  end(): void {
    this.isEnded = true;
  }

  destroy(): void {
    this.isDestroyed = true;
  }

  get text(): string {
    return this.bundles.map(({ payload }) => new TextDecoder().decode(payload)).join("");
  }

  /** The numbers it was given. */
  get numbers(): number[] {
    return [...this.text.matchAll(/"n":(\d+)/g)].map(([, n]) => Number(n));
  }
}
