import { StreamError, defineTool } from "../../server.ts";
import type { Tools } from "../../server.ts";

/** What the built-in models may call: small ones of real providers would call it at each "hello". */
const MODELS = ["guide", "script"];

/** The tools of the demo: a clock, so that a call can be seen. `now`: in Unix milliseconds. */
export function createDemoTools(now: () => number = Date.now): Tools {
  return {
    clock: defineTool<{ zone?: string }>({
      description: "Tells the time and the date.",
      models: MODELS,
      input: {
        type: "object",
        properties: {
          zone: {
            type: "string",
            maxLength: 64,
            description: "A time zone, such as Europe/Oslo. Default: that of the server",
          },
        },
      },
      run: ({ zone }) => tell(now(), zone),
    }),
  };
}

function tell(at: number, zone: string | undefined): { zone: string; time: string; date: string } {
  const format = (options: Intl.DateTimeFormatOptions) => {
    try {
      return new Intl.DateTimeFormat("en-GB", { ...options, timeZone: zone });
    } catch (cause) {
      throw new StreamError("tool-failed", `There is no time zone ${JSON.stringify(zone)}.`, { cause });
    }
  };
  const clock = format({ timeStyle: "medium" });
  return {
    zone: clock.resolvedOptions().timeZone,
    time: clock.format(at),
    date: format({ dateStyle: "full" }).format(at),
  };
}
