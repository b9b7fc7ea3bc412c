const TRIES = 4;
const WAIT_MS = 400;

/** Asks the server to end a run. The end itself comes through the stream, to every reader.
 *  Done: `true` once the server has said yes; `false` after four tries. */
export async function stopRun(run: string): Promise<boolean> {
  for (let tried = 0; tried < TRIES; tried += 1) {
    if (tried > 0) await new Promise((resolve) => setTimeout(resolve, WAIT_MS * 2 ** tried));
    if (await postStop(run)) return true;
  }
  return false;
}

async function postStop(run: string): Promise<boolean> {
  try {
    const response = await fetch(`/v1/runs/${encodeURIComponent(run)}/stop`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: "{}",
    });
    return response.ok;
  } catch {
    return false; // No network: tried again, since stopping twice is stopping once.
  }
}
