import type { Answer } from "./answer.ts";

/** The line along the answer, and the frames behind it. */
export interface Wire {
  /** Notes a block that arrived. */
  note: (name: string, id: string, data: string) => void;
  paint: () => void;
  show: (link: Answer["link"], isEnded: boolean) => void;
  clear: () => void;
}

interface Parts {
  /** Carries `data-link`, from which the line takes its look. */
  answer: HTMLElement;
  line: HTMLElement;
  toggle: HTMLElement;
  panel: HTMLElement;
  rows: HTMLElement;
}

const KEPT_FRAMES = 50;

/** Makes the wire: flowing while live, broken while cut, closed with a small square at its end. */
export function createWire({ answer, line, toggle, panel, rows }: Parts): Wire {
  let frames: { name: string; id: string; bytes: number }[] = [];
  let unpainted = 0;

  const paint = () => {
    if (unpainted === 0 || panel.hidden) return;
    const fresh = frames.slice(-unpainted).toReversed();
    unpainted = 0;
    rows.prepend(...fresh.map(frameRow));
    while (rows.childElementCount > KEPT_FRAMES) rows.lastElementChild?.remove();
  };

  const flip = () => {
    panel.hidden = !panel.hidden;
    toggle.setAttribute("aria-expanded", String(!panel.hidden));
    paint();
    if (!panel.hidden) panel.scrollIntoView({ block: "nearest" });
  };
  line.addEventListener("click", flip);
  toggle.addEventListener("click", flip);

  return {
    note(name, id, data) {
      frames.push({ name, id, bytes: frameBytes(name, id, data) });
      if (frames.length > 2 * KEPT_FRAMES) frames = frames.slice(-KEPT_FRAMES);
      unpainted = Math.min(unpainted + 1, KEPT_FRAMES);
    },
    paint,
    show(link, isEnded) {
      answer.dataset["link"] = isEnded ? "ended" : link;
    },
    clear() {
      frames = [];
      unpainted = 0;
      rows.replaceChildren();
    },
  };
}

/** What a block weighs as it stands on the wire. */
export function frameBytes(name: string, id: string, data: string): number {
  const lines = [
    id === "" ? "" : `id: ${id}\n`,
    name === "message" ? "" : `event: ${name}\n`,
    `data: ${data}\n\n`,
  ];
  return new TextEncoder().encode(lines.join("")).length;
}

function frameRow({ name, id, bytes }: { name: string; id: string; bytes: number }): HTMLElement {
  const row = document.createElement("tr");
  for (const text of [id, name, bytes.toLocaleString("en-US")]) {
    const cell = document.createElement("td");
    cell.textContent = text;
    row.append(cell);
  }
  return row;
}
