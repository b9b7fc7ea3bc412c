import { z } from "zod";
import { StreamError } from "../protocol/error.ts";
import { OpenAIAnswer } from "./openai-answer.ts";
import type { Asking } from "./openai-answer.ts";
import { requestBody } from "./openai-body.ts";
import { networkFailure, readText, statusFailure } from "./openai-failure.ts";
import type { Endpoint, FetchLike } from "./openai-failure.ts";
import type { GenerateRequest, Model, Provider } from "./provider.ts";

export type { FetchLike } from "./openai-failure.ts";

const MODELS_KEPT_MS = 60_000;
const FAILURE_KEPT_MS = 5_000;
const NO_TOOLS_KEPT_MS = 600_000;
const MODELS_TIMEOUT_MS = 3_000;
const MAX_MODELS = 500;
const MAX_LIST_BYTES = 4_194_304;

export interface OpenAIProviderOptions {
  /** Short, such as `openai` or `ollama`. */
  name: string;
  /** Where `/chat/completions` and `/models` are, such as `http://127.0.0.1:11434/v1`. */
  baseUrl: string;
  /** Sent as a bearer token to this base URL only. Default: none is sent. */
  apiKey?: string | undefined;
  /** The models to offer, instead of asking the server for its list. */
  models?: readonly string[] | undefined;
  /** What sends requests. Default: the global `fetch`. */
  fetch?: FetchLike | undefined;
  /** Where its models come from, for people. Default: `name`. */
  origin?: string | undefined;
  /** How long the list of models is waited for. Default 3,000 ms. */
  modelsTimeoutMs?: number | undefined;
  /** The clock, in milliseconds. Default `Date.now`. */
  now?: (() => number) | undefined;
}

/** Makes a provider of any server that speaks OpenAI's chat completions.
 *  Order:  the request is sent when the first event is asked for.
 *  Done:   `return()` and an aborted signal end the upstream request at once; an aborted answer throws the signal's reason.
 *  Tools:  a model that refuses them is asked without, where it may go without; for 10 minutes at once.
 *  Bounds: a line of at most 1 MiB; 500 models, kept for 60 s (a failure for 5 s).
 *  Errors: `provider-refused`, `provider-busy`, `provider-failed`; `invalid-request` here, where an option cannot be used.
 *  Source: OpenAI API reference, "Chat completions". */
export function createOpenAIProvider(options: OpenAIProviderOptions): Provider {
  const { name, origin = name, models: fixed, now = Date.now } = options;
  const endpoint = createEndpoint(options);
  const timeoutMs = options.modelsTimeoutMs ?? MODELS_TIMEOUT_MS;
  let kept: { at: number; outcome: ListOutcome } | undefined;
  let pending: Promise<ListOutcome> | undefined;
  /** Models that take no tools, and until when that is believed, by the clock. */
  const withoutTools = new Map<string, number>();

  const refresh = (): Promise<ListOutcome> => {
    pending ??= listModels(endpoint, timeoutMs).then((outcome) => {
      kept = { at: now(), outcome };
      pending = undefined;
      return outcome;
    });
    return pending;
  };

  const currentList = (): ListOutcome | Promise<ListOutcome> => {
    if (kept === undefined) return refresh();
    const age = now() - kept.at;
    if (kept.outcome.status === "failed") {
      // A server that hangs is waited for once, not by each request: its failure stands while it is asked again.
      if (age >= FAILURE_KEPT_MS) void refresh();
      return kept.outcome;
    }
    return age < MODELS_KEPT_MS ? kept.outcome : refresh();
  };

  const asking = (request: GenerateRequest): Asking => {
    if (request.areToolsOptional !== true) return { body: requestBody(endpoint, request) };
    const { tools: _, toolChoice: __, ...rest } = request;
    const until = withoutTools.get(request.model) ?? 0;
    if (now() < until) return { body: requestBody(endpoint, rest) };
    const onTaken = () => {
      request.warn?.(`The model ${request.model} of ${name} takes no tools: it is asked without them.`);
      if (withoutTools.size >= MAX_MODELS) withoutTools.clear();
      withoutTools.set(request.model, now() + NO_TOOLS_KEPT_MS);
    };
    return {
      body: requestBody(endpoint, request),
      withoutTools: { body: () => requestBody(endpoint, rest), onTaken },
    };
  };

  return {
    name,
    writesTitles: true,
    async models() {
      if (fixed !== undefined) return fixed.map((id) => ({ id, origin }));
      const outcome = await currentList();
      if (outcome.status === "failed") throw outcome.error;
      return outcome.ids.map((id): Model => ({ id, origin }));
    },
    generate: (request, signal) => new OpenAIAnswer(endpoint, asking(request), signal),
  };
}

function createEndpoint(options: OpenAIProviderOptions): Endpoint {
  const { name, baseUrl } = options;
  const base = URL.canParse(baseUrl) ? new URL(baseUrl) : undefined;
  if (
    base === undefined ||
    !/^https?:$/.test(base.protocol) ||
    base.username !== "" ||
    base.password !== ""
  ) {
    throw new StreamError(
      "invalid-request",
      `The base URL of ${name} cannot be used. Give one like http://127.0.0.1:11434/v1, without a user or password in it.`,
    );
  }
  const apiKey = options.apiKey?.trim() || undefined;
  // fetch would refuse it too, with the key in its message.
  if (apiKey !== undefined && !/^[\x21-\x7e]+$/.test(apiKey)) {
    throw new StreamError(
      "invalid-request",
      `The API key of ${name} holds characters that no header can carry. Copy it again, without spaces or line breaks.`,
    );
  }
  const path = base.pathname.replace(/\/+$/, "");
  return {
    name,
    address: `${base.origin}${path}`,
    apiKey,
    isOpenAI: base.hostname === "api.openai.com",
    fetch: options.fetch ?? ((url, init) => globalThis.fetch(url, init)),
    url: (method) => `${base.origin}${path}${method}${base.search}`,
  };
}

type ListOutcome = { status: "listed"; ids: string[] } | { status: "failed"; error: StreamError };

// Ollama without a model answers `data: null`.
const MODEL_LIST = z.object({ data: z.array(z.object({ id: z.string().min(1).max(200) })).nullable() });

// What the lists hold beside models that can answer a chat.
const NOT_FOR_CHAT =
  /embed|whisper|\btts\b|dall-e|moderation|transcribe|realtime|rerank|\bimage\b|\baudio\b|^(?:sora|babbage|davinci)/i;

async function listModels(endpoint: Endpoint, timeoutMs: number): Promise<ListOutcome> {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
  try {
    const response = await endpoint.fetch(endpoint.url("/models"), {
      method: "GET",
      headers: {
        accept: "application/json",
        ...(endpoint.apiKey !== undefined && { authorization: `Bearer ${endpoint.apiKey}` }),
      },
      redirect: "manual",
      signal: controller.signal,
    });
    if (!response.ok) return { status: "failed", error: await statusFailure(endpoint, response) };
    const list = MODEL_LIST.safeParse(parseJson(await readText(response, MAX_LIST_BYTES)));
    if (list.success) {
      const ids = (list.data.data ?? []).map(({ id }) => id).filter((id) => !NOT_FOR_CHAT.test(id));
      return { status: "listed", ids: ids.slice(0, MAX_MODELS) };
    }
    const message = `${endpoint.name} did not answer with a list of models. Check that ${endpoint.address} is the base URL of an OpenAI-compatible server.`;
    return { status: "failed", error: new StreamError("provider-failed", message) };
  } catch (cause) {
    return { status: "failed", error: networkFailure(endpoint, cause) };
  } finally {
    clearTimeout(timer);
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // fails the shape check that follows
  }
}
