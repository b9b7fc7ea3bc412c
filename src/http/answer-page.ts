import type { Context } from "hono";

/** What opening `/stream?prompt=…` in a browser's address bar shows: the answer, by the one-line client. */
export function answerPage(context: Context): Response {
  const nonce = crypto.randomUUID();
  return context.html(page(nonce), 200, {
    "content-security-policy": [
      "default-src 'none'; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
      `script-src 'nonce-${nonce}'; style-src 'nonce-${nonce}'`,
    ].join("; "),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
  });
}

function page(nonce: string): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Millrace</title>
<style nonce="${nonce}">
  :root { color-scheme: light dark; }
  body { max-width: 68ch; margin: 40px auto; padding: 0 16px; font: 17px/1.6 system-ui, sans-serif; }
  pre { white-space: pre-wrap; overflow-wrap: anywhere; font: inherit; }
</style>
<pre id="output" dir="auto"></pre>
<p id="status" role="status">Answering</p>
<script nonce="${nonce}">
  const source = new EventSource(location.href);
  source.onmessage = (event) => { output.textContent += JSON.parse(event.data).text; };
  source.addEventListener("stream-reset", () => { output.textContent = ""; });
  source.addEventListener("end", (event) => {
    source.close();
    const { reason, error } = JSON.parse(event.data);
    document.getElementById("status").textContent = error ? error.message : "End: " + reason;
  });
</script>
</html>
`;
}
