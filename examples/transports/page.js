import { overPolling, overSse, overWebSocket } from "./lanes.js";

const SHOWN = 60;
const KEPT_DELAYS = 60;
const START = { sse: overSse, websocket: overWebSocket, polling: overPolling };
const cut = document.querySelector("#cut");
const said = document.querySelector("#said");

/** One lane: what came, what never came, and what it cost. */
function createLane(name) {
  const element = document.querySelector(`#${name}`);
  const figure = (figure) => element.querySelector(`[data-figure="${figure}"]`);
  const text = element.querySelector(".text p");
  const delays = [];
  let last;
  let lost = 0;
  let requests = 0;

  const add = (className, content) => {
    const span = document.createElement("span");
    span.className = className;
    span.textContent = content;
    text.append(span, " ");
    while (text.childElementCount > SHOWN) {
      text.firstElementChild.remove();
      text.firstChild.remove();
    }
  };
  return {
    element,
    onWord({ n, word, at }) {
      const missed = last === undefined ? 0 : n - last - 1;
      if (missed > 0) add("gap", `${missed} words lost`);
      lost += missed;
      last = n;
      add("word", word);
      delays.push(Math.max(0, Date.now() - at));
      if (delays.length > KEPT_DELAYS) delays.shift();
      const sorted = delays.toSorted((a, b) => a - b);
      figure("delay").textContent = `${sorted[sorted.length >> 1]} ms`;
      figure("lost").textContent = lost;
      figure("lost").classList.toggle("is-bad", lost > 0);
    },
    onState(state) {
      element.dataset.state = state;
      element.querySelector(".state").textContent = state === "live" ? "live" : "cut off";
    },
    onRequest() {
      requests += 1;
      figure("requests").textContent = requests;
    },
    count({ down, up }) {
      figure("down").textContent = bytes(down);
      figure("up").textContent = bytes(up);
    },
    lost: () => lost,
  };
}

const bytes = (count) => (count < 10_000 ? `${count} B` : `${(count / 1024).toFixed(1)} KiB`);

const lanes = Object.fromEntries(Object.keys(START).map((name) => [name, createLane(name)]));
let isStarted = false;

new EventSource("/counts").addEventListener("message", ({ data }) => {
  const wires = JSON.parse(data);
  for (const [name, { port, count }] of Object.entries(wires)) {
    if (!isStarted) void START[name](port, lanes[name]);
    lanes[name].count(count);
  }
  isStarted = true;
});

cut.addEventListener("click", () => void cutAll());

async function cutAll() {
  cut.disabled = true;
  const before = Object.fromEntries(Object.entries(lanes).map(([name, lane]) => [name, lane.lost()]));
  await fetch("/cut", { method: "POST" });
  said.textContent = "The wires are cut for three seconds. The feed goes on.";
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  said.textContent = "The wires are whole. Each comes back in its own way.";
  await untilAllLive();
  const lost = Object.entries(lanes).map(([name, lane]) => [name, lane.lost() - before[name]]);
  const [sse, websocket, polling] = lost.map(([, words]) => (words === 0 ? "nothing" : `${words} words`));
  said.textContent = `All are back. SSE lost ${sse}, WebSocket ${websocket}, polling ${polling}.`;
  cut.disabled = false;
}

/** Live, and a word has come since. */
async function untilAllLive() {
  do await new Promise((resolve) => setTimeout(resolve, 1_200));
  while (!Object.values(lanes).every(({ element }) => element.dataset.state === "live"));
}
