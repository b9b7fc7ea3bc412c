import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";
import { makeEvent, makeToken } from "./event.mjs";

/** @typedef {object} Load
 *  @property {"flat" | "paced"} mode
 *  @property {number} publishers  `flat`: how many send, each awaiting its answer before the next.
 *  @property {number} [rate]      `paced`: events per second, over all streams together.
 *  @property {number} [streams]   Events go round over so many streams; default 1.
 *  @property {number} durationMs
 *  @property {"token"} [event]    `paced`: small events.
 *  @property {boolean} [rests]    `paced`: never spins between two events, so that its own CPU is small; up to 1 ms late.
 *  @property {number} [maxOpen]   `paced`: answers that may be open at once; default 16.
 *  @property {object} [from]      Each publisher's sequence goes on from here. */

/** Sends events as the load says; resolves with how many each publisher has sent.
 *  @param {Load} load
 *  @param {(publisher: number, stream: number, event: string) => unknown} send */
export function runLoad(load, send) {
  return load.mode === "flat" ? runFlat(load, send) : runPaced(load, send);
}

/** Each publisher awaits its answer before it sends the next. */
async function runFlat({ publishers, durationMs, streams = 1, from = {} }, send) {
  const end = performance.now() + durationMs;
  const sent = { ...from };
  let answered = 0;
  const publish = async (publisher) => {
    let sequence = from[publisher] ?? 0;
    for (let turn = 0; performance.now() < end; turn += 1) {
      sequence += 1;
      sent[publisher] = sequence;
      await send(publisher, (publisher + turn * publishers) % streams, makeEvent(publisher, sequence));
      answered += 1;
      // A server in this process whose answers come within the turn would never get to its sockets.
      if (turn % 16 === 15) await nextTurn();
    }
  };
  await Promise.all(Array.from({ length: publishers }, (_, index) => publish(index)));
  return { sent, published: answered };
}

/** As many answers may be open: publishers that await theirs. */
const MAX_OPEN = 16;

/** One schedule; what is late because a timer or an answer was is sent at once, until the time is over. Of one stream, each
 *  place in the air is a publisher with a sequence of its own, which awaits its answer. Of several, each stream has one
 *  sequence, and the sender keeps its order. */
async function runPaced(
  { rate, durationMs, streams = 1, from = {}, maxOpen = MAX_OPEN, event, rests },
  send,
) {
  const make = event === "token" ? makeToken : makeEvent;
  const start = performance.now();
  const total = Math.ceil((rate * durationMs) / 1000 / streams) * streams;
  const sent = { ...from };
  const places = Array.from({ length: streams === 1 ? maxOpen : 0 }, (_, index) => maxOpen - 1 - index);
  const open = new Set();
  let index = 0;
  // A row that was begun is ended: each stream gets as many events as the others.
  while (index < total && (index % streams !== 0 || performance.now() < start + durationMs * 1.2)) {
    const due = Math.min(total, Math.floor(((performance.now() - start) * rate) / 1000) + 1);
    for (; index < due && open.size < maxOpen; index += 1) {
      const place = places.pop() ?? 0;
      sent[place] = streams === 1 ? (sent[place] ?? 0) + 1 : (from[0] ?? 0) + Math.floor(index / streams) + 1;
      const answer = Promise.resolve(send(place, index % streams, make(place, sent[place]))).then(() => {
        open.delete(answer);
        if (streams === 1) places.push(place);
      });
      open.add(answer);
    }
    const wait = start + (index * 1000) / rate - performance.now();
    await (wait > 1 || rests ? sleep(Math.max(1, wait)) : nextTurn());
  }
  await Promise.all(open);
  return { sent, published: index };
}
