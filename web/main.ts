import { curlLine, readAddress, streamUrl, writeAddress } from "./address.ts";
import type { Question } from "./address.ts";
import { NO_ANSWER, isRunning, reduce } from "./answer.ts";
import type { AnswerEvent } from "./answer.ts";
import { createComposer, isComposing } from "./composer.ts";
import { openConnection } from "./connection.ts";
import type { Connection } from "./connection.ts";
import { copyText } from "./copy.ts";
import { asObject, parseFrame } from "./frame.ts";
import { createModelPicker } from "./models.ts";
import { createRenderer } from "./render.ts";
import { createFollower } from "./scroll.ts";
import { stopRun } from "./stop.ts";
import { createWire } from "./wire.ts";
import { describe, describeFigures, describeLink, nextChange } from "./words.ts";

/** The longest that text waits to be shown in a tab that is not looked at. */
const HIDDEN_PAINT_MS = 250;
const COSTLY_PAINT_MS = 12;
/** Servers and proxies take 16 KB for the whole head of a request, the address included. */
const LONGEST_URL = 12_000;

const part = (id: string): HTMLElement => {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`The page has no element "${id}".`);
  return found;
};

const empty = part("empty");
const exchange = part("exchange");
const reasoning = part("reasoning");
const reasoningText = part("reasoning-text");
const text = part("text");
const status = part("status");
const link = part("link");
const send = part("send");
const latest = part("latest");
const again = part("again");

let answer = NO_ANSWER;
let question: Question | undefined;
let connection: Connection | undefined;
let stoppedRun: string | undefined;
let written: string[] = [];
let isPaintDue = false;
let paintCost = 0;
let isFootDue = false;
let tick: ReturnType<typeof setTimeout> | undefined;

const renderer = createRenderer(text);
const wire = createWire({
  answer: part("answer"),
  line: part("wire"),
  toggle: part("frames-toggle"),
  panel: part("frames"),
  rows: part("frame-rows"),
});
const follower = createFollower(() => showLatest());
const models = createModelPicker(part("model"), part("model-note"));
const composer = createComposer(
  part("composer") as HTMLFormElement,
  part("prompt") as HTMLTextAreaElement,
  () => ask(composer.read()),
);

/** Every change goes through here: the event, then what it asks to be done, then what is seen of it. */
function apply(event: AnswerEvent): void {
  const before = answer;
  answer = reduce(before, event);
  if (answer === before) return;
  if (answer.edition !== before.edition) clearText();
  if (answer.added.text !== "") {
    renderer.push(answer.added.text);
    written.push(answer.added.text);
  }
  if (answer.added.reasoning !== "") reasoningText.append(answer.added.reasoning);
  if (answer.start !== before.start) showAddress();
  if (answer.phase === "ended" && before.phase !== "ended") finish();
  void sendStop();
  schedulePaint();
}

function ask(prompt: string): void {
  if (prompt === "") return composer.focus();
  if (isRunning(answer)) return;
  const key = newKey();
  const model = models.chosen;
  const asked = model === undefined ? { prompt, key } : { prompt, key, model };
  if (streamUrl(asked).length > LONGEST_URL) {
    return composer.refuse("This question is too long for an address. Shorten it to about a page of text.");
  }
  // The address follows with the first block: until then a reload begins again from the history's own state.
  history.pushState({ question: asked }, "", "/");
  composer.write("");
  composer.focus();
  read(asked, undefined);
  follower.follow();
}

/** Shows an answer: from its start, without ever starting it anew if `start` says where that is. */
function read(asked: Question, start: string | undefined): void {
  leave();
  question = asked;
  models.choose(asked.model);
  apply({ type: "asked" });
  wire.clear();
  part("question").textContent = asked.prompt;
  part("curl").textContent = curlLine(location.origin, asked);
  document.title = `${asked.prompt.slice(0, 80)} · Millrace`;
  showExchange(true);
  connection = openConnection(streamUrl(asked), start, {
    onBlock(name, id, data) {
      wire.note(name, id, data);
      const frame = parseFrame(name, data, id);
      if (frame === undefined) return schedulePaint();
      apply({ type: "frame", frame, id, at: performance.now() });
    },
    onCut: () => apply({ type: "cut", at: performance.now() }),
    onGone: () => apply({ type: "gone" }),
    onRefused: (message) => apply({ type: "refused", message }),
  });
}

function stop(): void {
  if (isRunning(answer)) apply({ type: "stop-wished" });
}

/** Sends a wished stop as soon as it is known what to stop. */
async function sendStop(): Promise<void> {
  const { run } = answer;
  if (answer.stop !== "wished" || run === undefined || stoppedRun === run || !isRunning(answer)) return;
  stoppedRun = run;
  if ((await stopRun(run)) || answer.run !== run) return;
  stoppedRun = undefined;
  apply({ type: "stop-failed" });
}

function finish(): void {
  connection?.close();
  connection = undefined;
  renderer.end();
  isFootDue = follower.isFollowing;
}

function leave(): void {
  connection?.close();
  connection = undefined;
  stoppedRun = undefined;
}

function showAddress(): void {
  if (question === undefined || answer.start === undefined || answer.start === "") return;
  history.replaceState({ question }, "", writeAddress(question, answer.start));
}

/** Shows what the address says, at the beginning and on Back and Forward. */
function visit(): void {
  const visited = readAddress(location.search);
  if (visited.type === "answer") return read(visited.question, visited.start);
  const begun = readQuestion(history.state);
  if (begun !== undefined) return read(begun, undefined);
  leave();
  answer = NO_ANSWER;
  question = undefined;
  clearText();
  document.title = "Millrace";
  showExchange(false);
  schedulePaint();
  if (visited.type === "draft") composer.write(visited.prompt);
}

function showExchange(isShown: boolean): void {
  exchange.hidden = !isShown;
  empty.hidden = isShown;
  part("new").hidden = !isShown;
}

function clearText(): void {
  renderer.clear();
  written = [];
  reasoningText.textContent = "";
}

function schedulePaint(): void {
  if (isPaintDue) return;
  isPaintDue = true;
  // A hidden tab has no frames, and would fall behind.
  if (document.hidden) setTimeout(paint, HIDDEN_PAINT_MS);
  // One endless paragraph is laid out as a whole: the page keeps half of the time for the reader.
  else if (paintCost > COSTLY_PAINT_MS) setTimeout(() => requestAnimationFrame(paint), paintCost);
  else requestAnimationFrame(paint);
}

function paint(): void {
  isPaintDue = false;
  const now = performance.now();
  const isLive = isRunning(answer);
  renderer.paint();
  wire.paint();
  wire.show(answer.link, answer.phase === "ended");
  exchange.classList.toggle("is-stopping", answer.stop === "wished");
  text.setAttribute("aria-busy", String(isLive));
  reasoning.hidden = reasoningText.firstChild === null;
  // What comes below an answer at its end must not push the text from under the reader's eyes.
  follower.keep();
  exchange.dataset["phase"] = answer.phase;
  set(link, "aria-label", describeLink(answer));
  set(link, "data-link", answer.link);
  const said = describe(answer, now);
  // A status that is written again is read out again.
  if (status.textContent !== said.text) status.textContent = said.text;
  set(status, "data-tone", said.tone);
  part("figures").textContent = describeFigures(answer);
  again.hidden = isLive;
  part("copy").hidden = isLive || written.length === 0;
  set(send, "data-does", isLive ? "stop" : "ask");
  part("send-label").textContent = isLive ? "Stop" : "Ask";
  showLatest();
  if (isFootDue) part("foot").scrollIntoView({ block: "nearest" });
  isFootDue = false;
  paintCost = performance.now() - now;
  clearTimeout(tick);
  const next = nextChange(answer, now);
  if (next !== undefined) tick = setTimeout(schedulePaint, next);
}

function showLatest(): void {
  latest.hidden = follower.isFollowing || !isRunning(answer);
}

function set(element: HTMLElement, name: string, value: string): void {
  if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

function newKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => (byte % 36).toString(36)).join("");
}

function readQuestion(state: unknown): Question | undefined {
  const { prompt, key, model } = asObject(asObject(state)["question"]);
  if (typeof prompt !== "string" || typeof key !== "string") return undefined;
  return typeof model === "string" ? { prompt, key, model } : { prompt, key };
}

part("composer").addEventListener("submit", (event) => {
  event.preventDefault();
  if (isRunning(answer)) stop();
  else ask(composer.read());
});
addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !isComposing(event)) stop();
});
empty.addEventListener("click", (event) => {
  if (event.target instanceof HTMLElement && event.target.matches(".example")) ask(event.target.textContent);
});
again.addEventListener("click", () => {
  if (question !== undefined) ask(question.prompt);
});
latest.addEventListener("click", () => {
  follower.follow();
  composer.focus();
});
part("copy").addEventListener("click", () => {
  const label = part("copy").querySelector("span");
  if (label !== null) void copyText(written.join(""), label);
});
part("curl-copy").addEventListener("click", () => {
  void copyText(part("curl").textContent, part("curl-label"));
});
text.addEventListener("click", (event) => {
  const button = event.target instanceof Element ? event.target.closest(".code-copy") : null;
  const code = button?.closest(".code")?.querySelector("pre");
  if (button !== null && code !== null && code !== undefined) void copyText(code.textContent, button);
});
addEventListener("popstate", visit);
visit();
