import { parseInline } from "./inline.ts";
import type { Inline } from "./inline.ts";
import { createSplitter } from "./markdown.ts";
import type { Block, Step } from "./markdown.ts";

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

/** Builds the document as DOM nodes, never as HTML. A finished block, and within the open one the text that cannot change
 *  any more, keep their nodes: a token costs the same however long the answer is, and a selection survives. */
export function createRenderer(root: HTMLElement): Renderer {
  let splitter = createSplitter();
  let leaf: Leaf | undefined;
  let block: { kind: Block["kind"]; element: HTMLElement } | undefined;
  let lists: HTMLElement[] = [];
  let head: HTMLElement | undefined;

  const enter = (next: Leaf | undefined) => {
    leaf?.finish();
    leaf = next;
    if (next !== undefined) moveHead(next.element);
  };
  // The place where the text is being written; it stays between two blocks until the next one is known.
  const moveHead = (next: HTMLElement | undefined) => {
    head?.classList.remove("is-head");
    head = next;
    next?.classList.add("is-head");
  };

  const apply = (step: Step) => {
    switch (step.type) {
      case "open": {
        const element = blockElement(step.block);
        block = { kind: step.block.kind, element };
        lists = [];
        if (step.block.kind === "list") return;
        root.append(element);
        if (step.block.kind === "code") enter(new CodeLeaf(element));
        else if (step.block.kind === "table" || step.block.kind === "rule") moveHead(undefined);
        else enter(new TextLeaf(element));
        return;
      }
      case "item":
        return enter(new TextLeaf(addItem(root, lists, step)));
      case "row":
        if (block !== undefined) addRow(block.element, step.cells);
        return;
      case "text":
        return leaf?.add(step.text);
      case "close":
        enter(undefined);
        block = undefined;
    }
  };

  return {
    push(text) {
      for (const step of splitter.push(text)) apply(step);
    },
    paint() {
      leaf?.paint();
    },
    end() {
      for (const step of splitter.end()) apply(step);
    },
    clear() {
      splitter = createSplitter();
      leaf = undefined;
      block = undefined;
      lists = [];
      moveHead(undefined);
      root.replaceChildren();
    },
  };
}

interface Leaf {
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

/** Code grows at its end and is never read again. */
class CodeLeaf implements Leaf {
  readonly element: HTMLElement;
  readonly #text = document.createTextNode("");
  #waiting = "";

  constructor(figure: HTMLElement) {
    this.element = figure.querySelector("code") ?? figure;
    this.element.append(this.#text);
  }

  add(text: string): void {
    this.#waiting += text;
  }

  paint(): void {
    if (this.#waiting !== "") this.#text.appendData(this.#waiting);
    this.#waiting = "";
  }

  finish(): void {
    this.paint();
  }
}

function blockElement(block: Block): HTMLElement {
  switch (block.kind) {
    case "paragraph":
      return document.createElement("p");
    case "heading":
      // The question is the page's h1, so an answer begins at h2.
      return document.createElement(`h${Math.min(block.level + 1, 6)}`);
    case "quote":
      return document.createElement("blockquote");
    case "rule":
      return document.createElement("hr");
    case "list":
      return document.createElement("ul");
    case "table": {
      const scroller = element("div", "table");
      scroller.tabIndex = 0;
      scroller.setAttribute("role", "group");
      scroller.setAttribute("aria-label", "Table");
      scroller.append(document.createElement("table"));
      return scroller;
    }
    case "code": {
      const figure = element("div", "code");
      const bar = element("div", "code-bar");
      const name = element("span", "code-language");
      name.textContent = block.language === "" ? "code" : block.language;
      const copy = element("button", "code-copy");
      copy.setAttribute("type", "button");
      copy.textContent = "Copy";
      const pre = document.createElement("pre");
      pre.tabIndex = 0;
      pre.append(document.createElement("code"));
      bar.append(name, copy);
      figure.append(bar, pre);
      return figure;
    }
  }
}

function addItem(
  root: HTMLElement,
  lists: HTMLElement[],
  step: { depth: number; number?: number },
): HTMLElement {
  const tag = step.number === undefined ? "UL" : "OL";
  lists.length = Math.min(lists.length, step.depth + 1);
  let list = lists[step.depth];
  if (list === undefined || list.tagName !== tag) {
    list = document.createElement(tag);
    if (step.number !== undefined && step.number !== 1) list.setAttribute("start", String(step.number));
    (lists[step.depth - 1]?.lastElementChild ?? root).append(list);
    lists[step.depth] = list;
  }
  const item = document.createElement("li");
  // The text has an element of its own, so that a list inside the item follows it.
  const text = document.createElement("span");
  item.append(text);
  list.append(item);
  return text;
}

function addRow(scroller: HTMLElement, cells: string[]): void {
  const table = scroller.querySelector("table");
  if (table === null) return;
  const isHead = table.tHead === null;
  const body = isHead ? table.createTHead() : (table.tBodies[0] ?? table.createTBody());
  const row = body.insertRow();
  const width = isHead ? cells.length : (table.tHead?.rows[0]?.cells.length ?? cells.length);
  for (let index = 0; index < width; index += 1) {
    const cell = document.createElement(isHead ? "th" : "td");
    if (isHead) cell.setAttribute("scope", "col");
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
    case "strong":
    case "emphasis":
      patch(existing, existing.firstChild, node.children);
      return true;
  }
}

const TAGS = { code: "CODE", break: "BR", strong: "STRONG", emphasis: "EM", link: "A" } as const;

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
