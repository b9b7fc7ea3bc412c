/** Renders the documents as pages, so that the guide model's links lead somewhere. */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";
import { Marked } from "marked";
import { gfmHeadingId } from "marked-gfm-heading-id";
import { ROOT } from "./tool.mjs";

const marked = new Marked(gfmHeadingId(), {
  walkTokens(token) {
    // A document links to its neighbours as files; their pages stand beside it in the same way.
    if (token.type === "link" && !/^\w+:/.test(token.href)) {
      token.href = token.href.replace(/\.md(?=#|$)/, ".html").replace(/^docs\//, "");
    }
    // Pictures are for the repository; here the page itself is a click away.
    if (token.type === "image") Object.assign(token, { type: "text", raw: "", text: "" });
  },
});

/** Writes `docs/guide/runs.md` as `<target>/docs/guide/runs.html`. */
export async function renderDocument(path, target) {
  const markdown = await readFile(join(ROOT, path), "utf8");
  const title = /^# (.+)$/m.exec(markdown)?.[1] ?? "Millrace";
  const to = join(target, "docs", path.replace(/^docs\//, "").replace(/\.md$/, ".html"));
  await mkdir(dirname(to), { recursive: true });
  await writeFile(to, page(title, await marked.parse(markdown), upFrom(to, target)));
}

/** The way from a page to the folder that is served, which may be under a prefix. */
function upFrom(file, target) {
  return "../".repeat(relative(target, dirname(file)).split(sep).length);
}

function page(title, body, up) {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title.replaceAll("&", "&amp;").replaceAll("<", "&lt;")} · Millrace</title>
<link rel="icon" href="${up}favicon.svg">
<link rel="stylesheet" href="${up}docs.css">
</head>
<body>
<p><a href="${up}">Millrace</a></p>
${body}
</body>
</html>
`;
}
