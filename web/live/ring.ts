/** The last values of something, in memory of a fixed size. A class, since there is one for each symbol. */
export class Ring {
  readonly #values: Float32Array;
  #next = 0;
  #length = 0;

  constructor(size: number) {
    this.#values = new Float32Array(size);
  }

  get length(): number {
    return this.#length;
  }

  push(value: number): void {
    this.#values[this.#next] = value;
    this.#next = (this.#next + 1) % this.#values.length;
    this.#length = Math.min(this.#length + 1, this.#values.length);
  }

  clear(): void {
    this.#length = 0;
  }

  /** The value at a place, from the oldest on. */
  at(index: number): number {
    const size = this.#values.length;
    return this.#values[(this.#next - this.#length + index + size) % size] ?? 0;
  }
}
