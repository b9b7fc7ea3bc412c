import type { Bundle } from "./bundle.ts";
import { joinBundles } from "./bundle.ts";

/** A frame and the offset of the last event in it. */
export interface Frame {
  offset: number;
  bundle: Bundle;
}

/** What follows an offset, as it was read from the log and encoded. */
export interface Page {
  after: number;
  last: number;
  bundles: readonly Bundle[];
  /** All of it in one piece. */
  whole: () => Bundle;
}

/** Pages that are kept, of all streams together. */
const MAX_BYTES = 8_388_608;
const MAX_PAGES = 1_024;

interface Kept {
  owner: object;
  limit: string;
  frames: readonly Frame[];
  page: Page;
  bytes: number;
}

/** The pages that were read from the log last, for readers who are behind the ring: a crowd falls behind together, and each page
 *  is read and encoded once for all of it. Those of all streams of a hub, so that they take as much however many streams there are. */
export class Pages {
  /** By the stream's channel, and by where they begin. */
  readonly #byOwner = new WeakMap<object, Map<string, Kept>>();
  /** The oldest first. */
  readonly #all = new Set<Kept>();
  #bytes = 0;

  /** The page after an offset, or the rest of one in which it lies. Undefined: it must be read. */
  find(owner: object, after: number, limit: string): Page | undefined {
    const own = this.#byOwner.get(owner);
    // Who goes from page to page asks where one begins.
    const exact = own?.get(keyOf(after, limit));
    if (exact !== undefined) return exact.page;
    for (const { limit: asked, frames, page } of own?.values() ?? []) {
      if (page.after >= after || page.last <= after || asked !== limit) continue;
      // A cursor inside of a merged frame is none of its ends.
      const index = frames.findIndex(({ offset }) => offset === after);
      if (index !== -1) return makePage(after, frames.slice(index + 1));
    }
    return undefined;
  }

  keep(owner: object, after: number, limit: string, frames: readonly Frame[]): Page {
    const page = makePage(after, frames);
    let bytes = 0;
    for (const { bundle } of frames) bytes += bundle.length;
    const key = keyOf(after, limit);
    const own = this.#byOwner.get(owner) ?? new Map<string, Kept>();
    const former = own.get(key);
    if (former !== undefined) this.#drop(former);
    const kept = { owner, limit, frames, page, bytes };
    this.#bytes += bytes;
    this.#all.add(kept);
    this.#byOwner.set(owner, own.set(key, kept));
    for (const oldest of this.#all) {
      if (this.#bytes <= MAX_BYTES && this.#all.size <= MAX_PAGES) break;
      this.#drop(oldest);
    }
    return page;
  }

  /** Drops what is kept of a stream. */
  forget(owner: object): void {
    for (const kept of this.#byOwner.get(owner)?.values() ?? []) this.#drop(kept);
  }

  #drop(kept: Kept): void {
    const { owner, limit, page, bytes } = kept;
    this.#bytes -= bytes;
    this.#all.delete(kept);
    this.#byOwner.get(owner)?.delete(keyOf(page.after, limit));
  }
}

function keyOf(after: number, limit: string): string {
  return `${after} ${limit}`;
}

/** A page of frames; without frames it ends where it begins, or at `last`. */
export function makePage(after: number, frames: readonly Frame[], last = after): Page {
  const bundles = frames.map(({ bundle }) => bundle);
  let whole: Bundle | undefined;
  return {
    after,
    last: frames.at(-1)?.offset ?? last,
    bundles,
    whole: () => (whole ??= joinBundles(bundles)),
  };
}
