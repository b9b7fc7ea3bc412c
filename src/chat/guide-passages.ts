/** A document that the guide model answers from. */
export interface GuideDocument {
  /** Where it is, such as `docs/guide/resuming.md`; links in it are relative to this. */
  path: string;
  /** Default: its first heading. */
  title?: string;
  /** Markdown. */
  text: string;
}

/** A part of a document that can stand alone as an answer. */
export interface Passage {
  id: number;
  path: string;
  /** The anchor of its heading, as GitHub makes it; empty for what stands before the first heading. */
  anchor: string;
  /** The document's title. */
  title: string;
  heading: string;
  /** Markdown, without the heading. */
  text: string;
  /** Whether it opens its document. */
  isIntro: boolean;
}

const MIN_WORDS = 60;
const MAX_WORDS = 250;
const HEADING = /^(#{1,6})\s+(.+?)\s*#*\s*$/;
const FENCE = /^\s{0,3}(`{3,}|~{3,})/;
/** A table of the benchmark's figures, which answers no question. */
const FIGURES = /<!-- bench:.*?-->\s*(?:\|.*(?:\n|$))+/g;

/** Cuts documents into passages of about 60 to 250 words: one per section; a long section is cut between its blocks, a short
 *  one takes in its subsections. Blocks of code stay whole. */
export function splitDocuments(documents: readonly GuideDocument[]): Passage[] {
  const passages: Passage[] = [];
  for (const document of documents) {
    const sections = splitSections(document.text);
    const title = document.title ?? sections.find(({ level }) => level === 1)?.heading ?? document.path;
    let isIntro = true;
    for (const { anchor, heading, blocks } of joinShort(sections)) {
      for (const text of cutBlocks(blocks)) {
        const id = passages.length;
        passages.push({ id, path: document.path, anchor, title, heading: heading || title, text, isIntro });
        isIntro = false;
      }
    }
  }
  return passages;
}

/** Rewrites the relative links of a passage, which hold only beside its document. */
export function resolveLinks(
  text: string,
  path: string,
  link: (path: string, anchor: string) => string,
): string {
  return text.replace(/\]\(([^\s()]*)\)/g, (whole, target: string) => {
    if (/^(?:[a-z][a-z0-9+.-]*:|\/)/i.test(target)) return whole;
    const [file = "", anchor = ""] = target.split("#", 2);
    return `](${link(file === "" ? path : resolvePath(path, file), anchor)})`;
  });
}

interface Section {
  level: number;
  heading: string;
  anchor: string;
  blocks: string[];
}

function splitSections(text: string): Section[] {
  const sections: Section[] = [{ level: 0, heading: "", anchor: "", blocks: [] }];
  const anchors = new Map<string, number>();
  let block: string[] = [];
  let fence: string | undefined;
  const endBlock = () => {
    const joined = block.join("\n").trimEnd();
    if (joined !== "") sections.at(-1)?.blocks.push(joined);
    block = [];
  };
  const told = text.replace(FIGURES, "").replace(/<!--.*?-->/gs, "");
  for (const line of told.split(/\r\n|\r|\n/)) {
    const mark = FENCE.exec(line)?.[1];
    if (fence === undefined && mark !== undefined) fence = mark;
    else if (fence !== undefined && mark?.startsWith(fence) === true) fence = undefined;
    const [, hashes, heading] = (fence === undefined && mark === undefined && HEADING.exec(line)) || [];
    if (hashes !== undefined && heading !== undefined) {
      endBlock();
      const anchor = toAnchor(heading, anchors);
      sections.push({ level: hashes.length, heading: plainText(heading), anchor, blocks: [] });
    } else if (fence === undefined && mark === undefined && line.trim() === "") {
      endBlock();
    } else {
      block.push(line);
    }
  }
  endBlock();
  return sections;
}

/** Adds to a short section the subsections that still fit; what is empty goes. */
function joinShort(sections: readonly Section[]): Section[] {
  const joined: Section[] = [];
  for (const section of sections) {
    const former = joined.at(-1);
    const size = former === undefined ? 0 : countWords(former.blocks);
    const isBelow = former !== undefined && former.level > 1 && section.level > former.level;
    if (isBelow && size < MIN_WORDS && size + countWords(section.blocks) <= MAX_WORDS) {
      former.blocks.push(`**${section.heading}**`, ...section.blocks);
    } else {
      joined.push({ ...section, blocks: [...section.blocks] });
    }
  }
  return joined.filter(({ blocks }) => blocks.length > 0);
}

function cutBlocks(blocks: readonly string[]): string[] {
  const parts: string[][] = [];
  let size = 0;
  for (const [index, block] of blocks.entries()) {
    const words = countWords([block]);
    const last = parts.at(-1);
    // A block of code belongs to the sentence before it, and a rest that is too short to what it follows.
    const isCode = FENCE.test(block);
    const isShortRest = countWords(blocks.slice(index)) < MIN_WORDS / 2;
    if (last !== undefined && (size + words <= MAX_WORDS || isCode || isShortRest)) {
      last.push(block);
      size += words;
    } else {
      parts.push([block]);
      size = words;
    }
  }
  return parts.map((part) => part.join("\n\n"));
}

function countWords(blocks: readonly string[]): number {
  return blocks.reduce((count, block) => count + (block.match(/\S+/g)?.length ?? 0), 0);
}

function toAnchor(heading: string, seen: Map<string, number>): string {
  const slug = plainText(heading)
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, "")
    .trim()
    .replace(/\s/g, "-");
  const count = seen.get(slug) ?? 0;
  seen.set(slug, count + 1);
  return count === 0 ? slug : `${slug}-${count}`;
}

function plainText(markdown: string): string {
  return markdown.replace(/!?\[([^\]]*)\]\([^)]*\)/g, "$1").replace(/[`*]/g, "");
}

function resolvePath(from: string, to: string): string {
  const parts = from.split("/").slice(0, -1);
  for (const part of to.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "." && part !== "") parts.push(part);
  }
  return parts.join("/");
}
