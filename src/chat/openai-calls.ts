import { asRecord } from "./openai-failure.ts";
import type { ProviderEvent } from "./provider.ts";

interface Call {
  /** Names it among the calls of this answer. */
  name: string;
  /** As the server calls it. Many say it once only, some never. */
  id: string | undefined;
  hasBegun: boolean;
}

/** What the server wants to have back with a call: more of it is no signature. */
const MAX_EXTRA_LENGTH = 32_768;

/** Puts together the `tool_calls` that come in pieces. Servers differ in what tells the pieces of one call from those of another:
 *  - OpenAI: `index` on each, `id` and the name on the first;
 *  - some leave out `index`, or say 0 for each call: then another `id` with a name begins another call;
 *  - some make up an `id` for each piece: without a name it goes on with what is there.
 *  Source: OpenAI API reference, "Streaming"; openai-node, `ChatCompletionStream`. */
export class OpenAICalls {
  readonly #server: string;
  readonly #calls: Call[] = [];
  readonly #byIndex = new Map<number, Call>();

  /** `server`: under this name stands what it wants to have back. */
  constructor(server: string) {
    this.#server = server;
  }

  /** Takes the `tool_calls` of one delta, and says what it means. Gives back what is wrong with them. */
  take(pieces: readonly unknown[], push: (event: ProviderEvent) => void): string | undefined {
    for (const piece of pieces) {
      const wrong = this.#takePiece(asRecord(piece) ?? {}, push);
      if (wrong !== undefined) return wrong;
    }
    return undefined;
  }

  get hasAny(): boolean {
    return this.#calls.length > 0;
  }

  /** What is wrong with the calls of an answer that has ended. */
  end(): string | undefined {
    return this.#calls.every(({ hasBegun }) => hasBegun) ? undefined : "called a tool without naming it";
  }

  #takePiece(piece: Record<string, unknown>, push: (event: ProviderEvent) => void): string | undefined {
    const made = asRecord(piece["function"]) ?? {};
    const id = textOf(piece["id"]);
    const tool = textOf(made["name"]);
    const text = argumentsOf(made["arguments"]);
    const isEmpty = id === undefined && tool === undefined && text === "";
    if (isEmpty && piece["extra_content"] == null) return undefined;
    const call = this.#find(indexOf(piece["index"]), id, tool);
    if (!call.hasBegun && tool !== undefined) {
      call.hasBegun = true;
      push({ type: "tool-call", call: call.name, tool });
    }
    const extra = extraOf(piece["extra_content"]);
    if (text === "" && extra === undefined) return undefined;
    if (!call.hasBegun) return "sent the input of a call whose tool it had not named";
    push({
      type: "tool-input",
      call: call.name,
      text,
      ...(extra && { providerMetadata: { [this.#server]: { extra_content: extra } } }),
    });
    return undefined;
  }

  #find(index: number | undefined, id: string | undefined, tool: string | undefined): Call {
    const at = index === undefined ? undefined : this.#byIndex.get(index);
    if (at !== undefined) {
      const isOther = id !== undefined && at.id !== undefined && id !== at.id && tool !== undefined;
      if (!isOther || !at.hasBegun) {
        at.id ??= id;
        return at;
      }
    } else if (tool === undefined || index === undefined) {
      const known = id === undefined ? undefined : this.#calls.findLast((call) => call.id === id);
      const former = known ?? (tool === undefined && index === undefined ? this.#calls.at(-1) : undefined);
      if (former !== undefined) return former;
    }
    const call: Call = { name: `call_${this.#calls.length}`, id, hasBegun: false };
    this.#calls.push(call);
    if (index !== undefined) this.#byIndex.set(index, call);
    return call;
  }
}

/** What the server wanted to have back with a call, if it was this one. */
export function extraContent(server: string, metadata: Record<string, unknown> | undefined): unknown {
  return asRecord(metadata?.[server])?.["extra_content"];
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** A text; some servers send the object that it should be the text of. */
function argumentsOf(value: unknown): string {
  if (typeof value === "string") return value;
  return typeof value === "object" && value !== null ? JSON.stringify(value) : "";
}

function indexOf(value: unknown): number | undefined {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 ? value : undefined;
}

function extraOf(value: unknown): Record<string, unknown> | undefined {
  const extra = asRecord(value);
  return extra !== undefined && JSON.stringify(extra).length <= MAX_EXTRA_LENGTH ? extra : undefined;
}
