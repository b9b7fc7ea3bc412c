import { CodeLeaf } from "./code-leaf.ts";
import { parseInline } from "./inline.ts";
import type { Inline } from "./inline.ts";
import { createSplitter } from "./markdown.ts";
import type { Align, Block, Step } from "./markdown.ts";
import { renderMath } from "./math.ts";

/** Shows markdown while it arrives. */
export interface Renderer {
  /** Takes text; nothing is shown before `paint`. */
  push: (text: string) => void;
  paint: () => void;
  /** The text is over. */
  end: () => void;
  /** Everything is dropped; text comes anew. */
  clear: () => void;
}

/** Text that is settled is kept as it stands once there is this much of it. */
const SETTLE_LENGTH = 400;

/** A part of the document that has so many blocks is full. */
const PART_BLOCKS = 8;
/** So many parts at the end, more than a screen shows, are drawn as usual; those before them only where they are seen. */
const RECENT_PARTS = 3;

/** Builds the document as DOM nodes, never as HTML. A finished block, and within the open one the text that cannot change
 *  any more, keep their nodes: a token costs the same however long the answer is, and a selection survives. */
export function createRenderer(root: HTMLElement): Renderer {
  let splitter = createSplitter();
  /** The open blocks, each inside the one before it. */
  let blocks: OpenBlock[] = [];
  let outline = createOutline();
  let head: HTMLElement | undefined;
  /** The last parts. What changes in one is not looked for in the others. */
  let recent: HTMLElement[] = [];

  // The place where the text is being written; it stays between two blocks until the next one is known.
  const moveHead = (next: HTMLElement | undefined) => {
    head?.classList.remove("is-head");
    head = next;
    next?.classList.add("is-head");
  };

  /** Where the next block of the document belongs. A heading is not parted from what follows. */
  const partFor = (block: Block): HTMLElement => {
    const last = recent.at(-1);
    const isFull = last !== undefined && last.childElementCount >= PART_BLOCKS;
    if (last !== undefined && !(isFull && !isHeading(last.lastElementChild))) return last;
    const part = element("div", block.kind === "heading" ? "part is-headed" : "part");
    root.append(part);
    recent.push(part);
    if (recent.length > RECENT_PARTS) recent.shift()?.classList.add("is-past");
    return part;
  };

  const open = (block: Block) => {
    const element = blockElement(block, block.kind === "heading" ? outline.enter(block.level) : 0);
    (blocks.at(-1)?.element ?? partFor(block)).append(element);
    const leaf = leafOf(block, element);
    blocks.push({ block, element, leaf });
    if (leaf !== undefined) moveHead(leaf.element);
    else if (block.kind === "table" || block.kind === "rule") moveHead(undefined);
  };

  const apply = (step: Step) => {
    const innermost = blocks.at(-1);
    switch (step.type) {
      case "open":
        return open(step.block);
      case "row":
        if (innermost?.block.kind === "table") addRow(innermost.element, step.cells, innermost.block.aligns);
        return;
      case "text":
        return innermost?.leaf?.add(step.text);
      case "close":
        innermost?.leaf?.finish();
        blocks.pop();
    }
  };

  return {
    push(text) {
      for (const step of splitter.push(text)) apply(step);
    },
    paint() {
      blocks.at(-1)?.leaf?.paint();
    },
    end() {
      for (const step of splitter.end()) apply(step);
      moveHead(undefined);
    },
    clear() {
      splitter = createSplitter();
      blocks = [];
      recent = [];
      outline = createOutline();
      moveHead(undefined);
      root.replaceChildren();
    },
  };
}

interface OpenBlock {
  block: Block;
  element: HTMLElement;
  leaf: Leaf | undefined;
}

/** A block that holds text. */
export interface Leaf {
  readonly element: HTMLElement;
  add: (text: string) => void;
  paint: () => void;
  finish: () => void;
}

/** Text with marks in it. */
class TextLeaf implements Leaf {
  readonly element: HTMLElement;
  #tail = "";
  #lastSettled: Node | null = null;
  #isDirty = false;

  constructor(element: HTMLElement) {
    this.element = element;
  }

  add(text: string): void {
    this.#tail += text;
    this.#isDirty = true;
  }

  paint(): void {
    if (!this.#isDirty) return;
    this.#isDirty = false;
    const { nodes, settled } = parseInline(this.#tail, true);
    if (settled < SETTLE_LENGTH) return void this.#patch(nodes);
    const last = this.#patch(parseInline(this.#tail.slice(0, settled), false).nodes);
    this.#lastSettled = last ?? this.#lastSettled;
    this.#tail = this.#tail.slice(settled);
    this.#patch(parseInline(this.#tail, true).nodes);
  }

  finish(): void {
    this.#patch(parseInline(this.#tail, false).nodes);
  }

  #patch(nodes: Inline[]): Node | null {
    const first = this.#lastSettled === null ? this.element.firstChild : this.#lastSettled.nextSibling;
    return patch(this.element, first, nodes);
  }
}

/** A formula: its source while it is written, then drawn. */
class MathLeaf implements Leaf {
  readonly element: HTMLElement;
  #source = "";

  constructor(element: HTMLElement) {
    this.element = element;
  }

  add(text: string): void {
    this.#source += text;
  }

  paint(): void {
    if (this.element.textContent !== this.#source) this.element.textContent = this.#source;
  }

  finish(): void {
    this.paint();
    void renderMath(this.element, this.#source, true);
  }
}

/** How deep the headings of an answer are. Whatever level it begins at, its first heading follows the page's, and none
 *  leaves a level out. */
function createOutline(): { enter: (level: number) => number } {
  const levels: number[] = [];
  return {
    enter(level) {
      while ((levels.at(-1) ?? 0) >= level) levels.pop();
      return levels.push(level);
    },
  };
}

function isHeading(element: Element | null): boolean {
  return element instanceof HTMLHeadingElement;
}

function leafOf(block: Block, element: HTMLElement): Leaf | undefined {
  switch (block.kind) {
    case "paragraph":
    case "heading":
      return new TextLeaf(element);
    case "code":
      return new CodeLeaf(element.querySelector("code") ?? element, block.language);
    case "math":
      return new MathLeaf(element);
    case "quote":
    case "list":
    case "item":
    case "table":
    case "rule":
      return undefined;
  }
}

function blockElement(block: Block, depth: number): HTMLElement {
  switch (block.kind) {
    case "paragraph":
      return document.createElement("p");
    case "heading":
      return document.createElement(`h${Math.min(depth + 1, 6)}`);
    case "quote":
      return document.createElement("blockquote");
    case "rule":
      return document.createElement("hr");
    case "list": {
      const list = document.createElement(block.start === undefined ? "ul" : "ol");
      if (block.start !== undefined && block.start !== 1) list.setAttribute("start", String(block.start));
      return list;
    }
    case "item":
      return itemElement(block.isDone);
    case "math":
      return element("div", "math is-display");
    case "table": {
      const scroller = element("div", "table");
      scroller.tabIndex = 0;
      scroller.setAttribute("role", "group");
      scroller.setAttribute("aria-label", "Table");
      scroller.append(document.createElement("table"));
      return scroller;
    }
    case "code":
      return codeElement(block.language);
  }
}

function itemElement(isDone: boolean | undefined): HTMLElement {
  const item = document.createElement("li");
  if (isDone === undefined) return item;
  item.className = "task";
  const box = element("span", isDone ? "task-box is-done" : "task-box");
  box.setAttribute("role", "img");
  box.setAttribute("aria-label", isDone ? "Done" : "To do");
  item.append(box);
  return item;
}

function codeElement(language: string): HTMLElement {
  const figure = element("div", "code");
  const bar = element("div", "code-bar");
  const name = element("span", "code-language");
  name.textContent = language === "" ? "code" : language;
  const copy = element("button", "code-copy");
  copy.setAttribute("type", "button");
  copy.textContent = "Copy";
  const pre = document.createElement("pre");
  pre.dir = "ltr";
  pre.tabIndex = 0;
  pre.append(document.createElement("code"));
  bar.append(name, copy);
  figure.append(bar, pre);
  return figure;
}

function addRow(scroller: HTMLElement, cells: string[], aligns: Align[]): void {
  const table = scroller.querySelector("table");
  if (table === null) return;
  const isHead = table.tHead === null;
  const body = isHead ? table.createTHead() : (table.tBodies[0] ?? table.createTBody());
  const row = body.insertRow();
  for (const [index, align] of aligns.entries()) {
    const cell = document.createElement(isHead ? "th" : "td");
    if (isHead) cell.setAttribute("scope", "col");
    if (align !== "none") cell.className = `is-${align}`;
    patch(cell, null, parseInline(cells[index] ?? "", false).nodes);
    row.append(cell);
  }
}

/** Makes the nodes from `first` on be these, changing only what differs; gives the last of them. */
function patch(parent: Node, first: Node | null, nodes: Inline[]): Node | null {
  let current = first;
  let last: Node | null = null;
  for (const node of nodes) {
    if (current !== null && update(current, node)) last = current;
    else {
      last = build(node);
      if (current === null) parent.appendChild(last);
      else parent.replaceChild(last, current);
    }
    current = last.nextSibling;
  }
  while (current !== null) {
    const next: Node | null = current.nextSibling;
    current.parentNode?.removeChild(current);
    current = next;
  }
  return last;
}

/** Makes an existing node show this; false if it is of another kind. */
function update(existing: Node, node: Inline): boolean {
  if (node.kind === "text") {
    if (!(existing instanceof Text)) return false;
    if (node.text.startsWith(existing.data)) {
      if (node.text.length > existing.data.length) existing.appendData(node.text.slice(existing.data.length));
    } else existing.data = node.text;
    return true;
  }
  if (!(existing instanceof HTMLElement) || existing.tagName !== TAGS[node.kind]) return false;
  switch (node.kind) {
    case "break":
      return true;
    case "code":
      patch(existing, existing.firstChild, [{ kind: "text", text: node.text }]);
      return true;
    case "link":
      if (existing.getAttribute("href") !== node.href) existing.setAttribute("href", node.href);
      patch(existing, existing.firstChild, node.children);
      return true;
    case "math":
      if (existing.dataset["tex"] !== node.source) {
        existing.className = node.isDisplay ? "math is-display" : "math";
        existing.dataset["tex"] = node.source;
        existing.textContent = node.source;
      } else if (existing.dataset["isOpen"] === String(node.isOpen)) return true;
      existing.dataset["isOpen"] = String(node.isOpen);
      if (!node.isOpen) void renderMath(existing, node.source, node.isDisplay);
      return true;
    case "strong":
    case "emphasis":
    case "strike":
      patch(existing, existing.firstChild, node.children);
      return true;
  }
}

const TAGS = {
  code: "CODE",
  break: "BR",
  strong: "STRONG",
  emphasis: "EM",
  strike: "DEL",
  link: "A",
  math: "SPAN",
} as const;

function build(node: Inline): Node {
  if (node.kind === "text") return document.createTextNode(node.text);
  const built = document.createElement(TAGS[node.kind]);
  if (node.kind === "link") {
    // A link followed in place would leave an answer that is still being written.
    built.setAttribute("target", "_blank");
    built.setAttribute("rel", "noopener noreferrer");
  }
  update(built, node);
  return built;
}

function element(tag: string, className: string): HTMLElement {
  const made = document.createElement(tag);
  made.className = className;
  return made;
}
