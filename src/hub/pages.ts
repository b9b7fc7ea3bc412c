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

/** Pages that are kept: those who are behind come one after the other. */
const MAX_PAGES = 8;

/** The pages that were read from the log last, for readers who are behind the ring: a crowd falls behind together, and each page
 *  is read and encoded once for all of it. */
export class Pages {
  readonly #kept: { limit: string; frames: readonly Frame[]; page: Page }[] = [];

  /** The page after an offset, or the rest of one in which it lies. Undefined: it must be read. */
  find(after: number, limit: string): Page | undefined {
    for (const { limit: asked, frames, page } of this.#kept) {
      if (asked !== limit) continue;
      if (page.after === after) return page;
      if (page.after > after || page.last <= after) continue;
      // A cursor inside of a merged frame is none of its ends.
      const index = frames.findIndex(({ offset }) => offset === after);
      if (index !== -1) return makePage(after, frames.slice(index + 1));
    }
    return undefined;
  }

  keep(after: number, limit: string, frames: readonly Frame[]): Page {
    const page = makePage(after, frames);
    this.#kept.push({ limit, frames, page });
    if (this.#kept.length > MAX_PAGES) this.#kept.shift();
    return page;
  }
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
