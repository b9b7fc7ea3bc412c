import { z } from "zod";
import type { GenerateRequest, PromptMessage } from "./provider.ts";

/** The one tool that the guide calls, where it is offered. */
export const CLOCK = "clock";

const QUESTION =
  /^\W*(?:(?:and|so|ok|please|tell me|do you know|hi|hello)\W+)*(?:what(?:['’]s| is)? the (?:current )?(?:time|date)|(?:what|which) (?:time|date|day) (?:is it|it is))(?: (?:now|right now|today|here))?(?: in ([\p{L}\p{M}'’/_ -]{2,40}?))?(?: (?:now|right now|today))?[\s?!.]*$/iu;

/** What a question for the time asks the clock, as JSON text. Undefined: it is another question, the clock was asked already, or there is
 *  none. */
export function clockInput({ messages, tools, toolChoice }: GenerateRequest): string | undefined {
  const last = messages.at(-1);
  if (toolChoice === "none" || tools?.some(({ name }) => name === CLOCK) !== true) return undefined;
  if (last?.role !== "user" || last.text.length > 200) return undefined;
  const asked = QUESTION.exec(last.text);
  if (asked === null) return undefined;
  const [, place] = asked;
  if (place === undefined) return "{}";
  const zone = zoneOf(place);
  return zone === undefined ? undefined : JSON.stringify({ zone });
}

/** What the clock said, in words. Undefined: it was not asked. */
export function clockAnswer(messages: readonly PromptMessage[]): string | undefined {
  const last = messages.at(-1);
  if (last?.role !== "tool" || last.tool !== CLOCK) return undefined;
  return `${last.isError === true ? `The clock cannot be read: ${last.text}` : say(last.text)}\n\n${LABEL}`;
}

const OUTPUT = z.object({ time: z.string(), date: z.string(), zone: z.string() });
const LABEL = "*Told by the tool `clock`; no AI model wrote this.*";

/** A client may have a clock of its own, which says something else. */
function say(text: string): string {
  const told = OUTPUT.safeParse(parseJson(text));
  if (!told.success) return `The clock says: ${text}`;
  const { time, date, zone } = told.data;
  return `It is **${time}** in ${zone.replaceAll("_", " ")}, on ${date}.`;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // fails the shape check that follows
  }
}

/** The zone of a place by its name, such as that of Tokyo. */
function zoneOf(place: string): string | undefined {
  const wanted = place.trim().toLowerCase().replaceAll(" ", "_");
  return Intl.supportedValuesOf("timeZone").find((zone) => {
    const name = zone.toLowerCase();
    return name === wanted || name.endsWith(`/${wanted}`);
  });
}
