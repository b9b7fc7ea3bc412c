/** The server has said no, and would say it again. */
export class Refusal extends Error {
  override name = "Refusal";
}

/** Whether the same request may succeed later: what a server says of itself holds, and of a proxy before it any 5xx is for the moment. */
export async function isForTheMoment(response: Response): Promise<boolean> {
  if (response.status < 500) return false;
  return (await readError(response.clone())).retryable ?? true;
}

/** What a response refuses, in the server's words. */
export async function refusalOf(response: Response): Promise<Refusal> {
  return new Refusal((await readError(response)).message);
}

async function readError(response: Response): Promise<{ message: string; retryable?: boolean }> {
  const text = await response.text();
  try {
    const { error } = JSON.parse(text) as { error?: { message?: unknown; retryable?: unknown } };
    return {
      message: typeof error?.message === "string" ? error.message : text,
      ...(typeof error?.retryable === "boolean" && { retryable: error.retryable }),
    };
  } catch {
    return { message: text }; // a proxy's page
  }
}
