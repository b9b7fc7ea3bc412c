import type { LineReader, Run } from "./highlight.ts";
import { findLineReader } from "./languages.ts";
import { later } from "./later.ts";
import type { Leaf } from "./render.ts";

/** Lines that get their colours with one token. More of them, as in a chat that is opened, get them in turns. */
const LINES_AT_ONCE = 40;

/** Code grows at its end. Its finished lines get their colours once and keep them; what follows is plain. */
export class CodeLeaf implements Leaf {
  readonly element: HTMLElement;
  readonly #tail = document.createTextNode("");
  #waiting = "";
  #read: LineReader | undefined;
  #isFinished = false;
  #isCatchingUp = false;

  constructor(element: HTMLElement, language: string) {
    this.element = element;
    this.element.append(this.#tail);
    void this.#findReader(language);
  }

  add(text: string): void {
    this.#waiting += text;
  }

  paint(): void {
    if (this.#waiting === "") return;
    this.#tail.appendData(this.#waiting);
    this.#waiting = "";
    if (!this.#isCatchingUp && this.#colour()) this.#catchUp();
  }

  finish(): void {
    this.#isFinished = true;
    this.paint();
    if (!this.#isCatchingUp && this.#colour()) this.#catchUp();
  }

  async #findReader(language: string): Promise<void> {
    const found = findLineReader(language);
    if (found === undefined) return;
    if (!(found instanceof Promise)) {
      this.#read = found;
      return;
    }
    this.#read = await found;
    this.#catchUp();
  }

  #catchUp(): void {
    this.#isCatchingUp = true;
    later(() => (this.#isCatchingUp = this.#colour()));
  }

  /** Colours the first of the lines that are finished; true if more of them are left. */
  #colour(): boolean {
    if (this.#read === undefined) return false;
    const text = this.#tail.data;
    const nodes: Node[] = [];
    let at = 0;
    for (let count = 0; count < LINES_AT_ONCE && at < text.length; count += 1) {
      const newline = text.indexOf("\n", at);
      if (newline === -1 && !this.#isFinished) break;
      const end = newline === -1 ? text.length : newline;
      nodes.push(
        ...this.#read(text.slice(at, end)).map(runNode),
        document.createTextNode(text.slice(end, end + 1)),
      );
      at = end + 1;
    }
    if (at === 0) return false;
    this.#tail.before(...nodes);
    this.#tail.deleteData(0, at);
    return this.#tail.data.includes("\n") || (this.#isFinished && this.#tail.data !== "");
  }
}

function runNode({ text, kind }: Run): Node {
  if (kind === undefined) return document.createTextNode(text);
  const span = document.createElement("span");
  span.className = `is-${kind}`;
  span.textContent = text;
  return span;
}
