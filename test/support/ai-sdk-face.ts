import type { ServerOptions } from "../../src/server.ts";
import { answerSlowly, startApp } from "./app.ts";
import type { TestServer } from "./app.ts";

export interface TestUiFace extends TestServer {
  /** Lets the model say one word, and then wait until the test says go or the run is over. */
  answerSlowly(): { open: () => void };
}

/** A server that answers with the model that is told what to say. */
export async function startUiFace(options: ServerOptions = {}): Promise<TestUiFace> {
  const app = await startApp({ model: "told", ...options });
  return {
    ...app,
    answerSlowly: () => answerSlowly(app.told),
    [Symbol.asyncDispose]: () => app[Symbol.asyncDispose](),
  };
}
