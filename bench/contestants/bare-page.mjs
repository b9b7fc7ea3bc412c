import { createServer } from "node:http";
import { sayPageText } from "../load/page-text.mjs";

/** A page with nothing but the text: a paragraph per line, a text node per event, the end kept in sight. What it costs is
 *  the browser's own, on this machine. */
const PAGE = `<!doctype html>
<meta charset="utf-8">
<title>Bare text</title>
<style>body { max-width: 68ch; margin: auto; font: 17px/1.6 sans-serif; } form { position: sticky; bottom: 0; }</style>
<div class="answer"><div class="prose"></div></div>
<form><input id="prompt"></form>
<script>
  const answer = document.querySelector(".answer");
  const prose = document.querySelector(".prose");
  document.querySelector("form").addEventListener("submit", (event) => {
    event.preventDefault();
    const source = new EventSource("/stream?prompt=" + encodeURIComponent(document.querySelector("#prompt").value));
    let isFollowing = false;
    source.onmessage = ({ data }) => {
      const [first, ...lines] = JSON.parse(data).text.split("\\n");
      (prose.lastElementChild ?? prose.appendChild(document.createElement("p"))).append(first);
      for (const line of lines) prose.appendChild(document.createElement("p")).append(line);
      if (isFollowing) return;
      isFollowing = true;
      requestAnimationFrame(() => {
        isFollowing = false;
        scrollTo(0, 1e9);
      });
    };
    source.addEventListener("end", () => {
      source.close();
      answer.dataset.state = "ended";
    });
  });
</script>`;

export default {
  title: "A page of bare text",
  version: () => "in the same browser",
  files: ["/usr/bin/chromium"],
  readPath: () => "/",
  async serve({ port }) {
    const server = createServer((request, response) => void answer(request, response));
    await new Promise((resolve) => server.listen(port, "127.0.0.1", resolve));
    return {};
  },
};

async function answer(request, response) {
  const url = new URL(request.url, "http://127.0.0.1");
  if (url.pathname !== "/stream") {
    response.setHeader("content-type", "text/html");
    response.end(url.pathname === "/" ? PAGE : "");
    return;
  }
  response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
  for await (const text of sayPageText(url.searchParams.get("prompt")))
    response.write(`data: ${JSON.stringify({ text })}\n\n`);
  response.end("event: end\ndata: {}\n\n");
}
