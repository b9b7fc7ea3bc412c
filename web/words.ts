import { QUIET_CUT_MS } from "./answer.ts";
import type { Answer } from "./answer.ts";

/** What the status line says. `wait` is for what is caught between, `bad` for what is broken or refused. */
export interface Status {
  text: string;
  tone: "quiet" | "wait" | "bad";
}

const BACK_MS = 3000;

/** The one sentence about an answer at this moment. */
export function describe(answer: Answer, now: number): Status {
  if (answer.end !== undefined) return describeEnd(answer);
  if (answer.phase === "idle") return quiet("");
  if (answer.link === "cut" && now - (answer.cutAt ?? now) >= QUIET_CUT_MS) return describeCut(answer);
  if (answer.stop === "wished") return quiet("Stopping.");
  if (answer.back !== undefined && now - answer.back.at < BACK_MS) {
    const { tokens } = answer.back;
    return quiet(tokens === 0 ? "Back: nothing was missed." : `Back: ${countTokens(tokens)} caught up.`);
  }
  if (answer.stop === "failed") {
    return { text: "Stop did not reach the server: the answer goes on. Stop again.", tone: "bad" };
  }
  switch (answer.phase) {
    case "waiting":
      return quiet("Waiting for the first token.");
    case "reasoning":
      return quiet("Thinking before the answer.");
    case "writing":
      return quiet("Answering. Esc stops.");
    case "ended":
      return quiet("");
  }
}

/** In how many milliseconds the sentence changes without a further event; undefined if it does not. */
export function nextChange(answer: Answer, now: number): number | undefined {
  const moments: number[] = [];
  if (answer.link === "cut" && answer.cutAt !== undefined) moments.push(answer.cutAt + QUIET_CUT_MS - now);
  if (answer.back !== undefined) moments.push(answer.back.at + BACK_MS - now);
  const ahead = moments.filter((ms) => ms > 0);
  return ahead.length === 0 ? undefined : Math.min(...ahead);
}

/** The measured figures of an ended answer, for the line in mono; empty where nothing was measured. */
export function describeFigures(answer: Answer): string {
  const { end, tokens } = answer;
  if (end === undefined || tokens === 0) return "";
  const figures = [countTokens(tokens)];
  if (end.tokensPerSecond !== undefined) figures.push(`${formatRate(end.tokensPerSecond)}/s`);
  if (end.firstTokenMs !== undefined) figures.push(`first after ${formatDuration(end.firstTokenMs)}`);
  // A figure stays with its unit where the line is too narrow.
  return figures.map((figure) => figure.replaceAll(" ", "\u00a0")).join(" · ");
}

/** What the dot means, for those who do not see it. */
export function describeLink(answer: Answer): string {
  switch (answer.link) {
    case "none":
      return "No stream is open";
    case "opening":
      return "The stream is opening";
    case "open":
      return "The stream is open";
    case "cut":
      return "The stream is cut, reconnecting";
  }
}

function describeCut(answer: Answer): Status {
  const tone = "wait";
  if (answer.stop === "wished" && answer.run === undefined) {
    return { text: "Reconnecting. The stop is sent as soon as the server is back.", tone };
  }
  if (answer.run === undefined)
    return { text: "No connection yet. The question waits, and is sent once.", tone };
  if (answer.stop === "wished") return { text: "Reconnecting. Stopping.", tone };
  return { text: "Reconnecting. The answer keeps being written.", tone };
}

function describeEnd({ end, tokens }: Answer): Status {
  const kept = tokens === 0 ? "" : ` ${countTokens(tokens)} kept.`;
  switch (end?.reason) {
    case undefined:
      return quiet("");
    case "stop":
      return quiet("Answer complete.");
    case "length":
      return { text: `Ended at the length limit.${kept}`, tone: "wait" };
    case "cancelled":
      return quiet(tokens === 0 ? "Stopped before the first token." : `Stopped.${kept}`);
    case "interrupted":
      return { text: `Interrupted: the server was restarted.${kept}`, tone: "wait" };
    case "gone":
      return { text: "The server no longer keeps this answer.", tone: "wait" };
    case "error":
      return { text: `${end.message ?? "The model ended without a reason."}${kept}`, tone: "bad" };
    case "refused":
      return { text: end.message ?? "The server refused the question.", tone: "bad" };
  }
}

function quiet(text: string): Status {
  return { text, tone: "quiet" };
}

function countTokens(tokens: number): string {
  return `${tokens.toLocaleString("en-US")} ${tokens === 1 ? "token" : "tokens"}`;
}

function formatRate(rate: number): string {
  return rate < 10 ? rate.toFixed(1) : Math.round(rate).toLocaleString("en-US");
}

function formatDuration(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}
