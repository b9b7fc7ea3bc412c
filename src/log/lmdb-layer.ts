/** A change of the table: a key gets a value, or goes. */
export interface Change {
  key: string;
  /** Undefined: it goes. */
  value: Buffer | undefined;
  /** No older value of this key can be anywhere, nor of one after it that begins alike. */
  isNew?: boolean;
}

/** Keys that begin alike stand together: the records of one stream do. */
const GROUP_LENGTH = 7;

/** What has been changed and is not in LMDB yet, by key and in the order of the keys. */
export class Layer {
  readonly #groups = new Map<string, Group>();

  apply({ key, value, isNew = false }: Change): void {
    const prefix = key.slice(0, GROUP_LENGTH);
    let group = this.#groups.get(prefix);
    if (group === undefined) this.#groups.set(prefix, (group = new Group()));
    group.apply(key, value, isNew);
  }

  /** The value; null: it is gone; undefined: nothing is known of it here. */
  get(key: string): Buffer | null | undefined {
    return this.#groups.get(key.slice(0, GROUP_LENGTH))?.get(key);
  }

  /** What is changed from `start` to before `end`, rising; or, backward, from `end` down to `start`. To be read in one go. */
  *between(start: string, end: string, isBackward = false): Generator<Changed, void> {
    for (const group of this.#groupsBetween(start, end, isBackward))
      yield* group.between(start, end, isBackward);
  }

  /** Whether something is changed among the keys that begin like this. */
  touches(start: string, end: string): boolean {
    return this.#groupsBetween(start, end, false).length > 0;
  }

  #groupsBetween(start: string, end: string, isBackward: boolean): Group[] {
    const from = start.slice(0, GROUP_LENGTH);
    const to = end.slice(0, GROUP_LENGTH);
    if (from === to) {
      const group = this.#groups.get(from);
      return group === undefined ? [] : [group];
    }
    const groups = [...this.#groups]
      .filter(([prefix]) => prefix >= from && prefix <= to)
      .toSorted(([one], [other]) => (one < other ? -1 : 1))
      .map(([, group]) => group);
    return isBackward ? groups.toReversed() : groups;
  }
}

/** A key and its value; null: it is gone. */
export type Changed = readonly [key: string, value: Buffer | null];

class Group {
  /** Undefined: what was new here has gone again. */
  readonly #values = new Map<string, Buffer | null | undefined>();
  /** From here on nothing older is known anywhere: records are appended with rising keys. */
  #newFrom: string | undefined;
  #keys: string[] = [];
  #isSorted = true;

  apply(key: string, value: Buffer | undefined, isNew: boolean): void {
    if (!this.#values.has(key)) {
      const last = this.#keys.at(-1);
      if (last !== undefined && last > key) this.#isSorted = false;
      this.#keys.push(key);
      if (isNew) this.#newFrom ??= key;
    }
    // What came and went in here leaves no trace, and LMDB never hears of it.
    const isTraceless = this.#newFrom !== undefined && key >= this.#newFrom;
    this.#values.set(key, value ?? (isTraceless ? undefined : null));
  }

  get(key: string): Buffer | null | undefined {
    return this.#values.get(key);
  }

  *between(start: string, end: string, isBackward: boolean): Generator<Changed, void> {
    if (!this.#isSorted) {
      this.#keys = this.#keys.toSorted();
      this.#isSorted = true;
    }
    const from = this.#indexOf(start);
    const to = this.#indexOf(end);
    for (let step = 0; step < to - from; step++) {
      const key = this.#keys[isBackward ? to - 1 - step : from + step] ?? "";
      const value = this.#values.get(key);
      if (value !== undefined) yield [key, value];
    }
  }

  #indexOf(key: string): number {
    let low = 0;
    let high = this.#keys.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#keys[middle] ?? key) < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
