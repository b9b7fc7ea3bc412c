import type { DocumentedOperation, JsonSchema, OpenApiDocument } from "./document.ts";
import { membersOf } from "./members.ts";
import type { Member } from "./members.ts";

/** Renders an OpenAPI document as a page without scripts. Pure.
 *  Units: `base` is where the interface is, such as `http://127.0.0.1:4000`, for the lines to copy. */
export function renderPage(document: OpenApiDocument, base: string): string {
  const sections = document.tags.map(({ name, description }) => ({
    name,
    description,
    operations: operationsOf(document, name),
  }));
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>HTTP interface · Millrace</title>
<link rel="stylesheet" href="docs/api.css">
</head>
<body>
<header>
<h1>HTTP interface</h1>
<p>${prose(document.info.description)}</p>
<p class="muted">Version ${escape(document.info.version)}, at <code>${escape(base)}</code>. For programs: <a href="openapi.json">openapi.json</a></p>
<p class="muted">Where people have to sign in, send a key along: <code>-H 'Authorization: Bearer KEY'</code></p>
</header>
<nav aria-label="Operations">${sections.map(({ name, operations }) => navigation(name, operations)).join("")}</nav>
<main>
${sections
  .map(
    ({ name, description, operations }) =>
      `<section><h2 id="${slug(name)}">${escape(name)}</h2><p>${prose(description)}</p>${operations.map((one) => article(one, base)).join("\n")}</section>`,
  )
  .join("\n")}
</main>
</body>
</html>
`;
}

interface Listed {
  method: string;
  path: string;
  operation: DocumentedOperation;
}

function operationsOf(document: OpenApiDocument, tag: string): Listed[] {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods)
      .filter(([, operation]) => operation.tags.includes(tag))
      .map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
  );
}

function navigation(name: string, operations: readonly Listed[]): string {
  const links = operations.map(
    ({ method, path, operation }) =>
      `<li><a href="#${operation.operationId}" title="${escape(`${method} ${path}`)}">${escape(operation.summary)}</a></li>`,
  );
  return `<details open><summary>${escape(name)}</summary><ul>${links.join("")}</ul></details>`;
}

function article({ method, path, operation }: Listed, base: string): string {
  const body = operation.requestBody?.content["application/json"];
  return `<article id="${operation.operationId}">
<h3>${escape(operation.summary)}</h3>
<p class="route"><b>${method}</b> <code>${breakable(path)}</code></p>
${operation.description === undefined ? "" : `<p>${prose(operation.description)}</p>`}
<pre tabindex="0"><code>${escape(curl(method, path, operation, body?.example, base))}</code></pre>
${parametersTable(operation)}
${body === undefined ? "" : `<h4>Body${operation.requestBody?.required === true ? "" : ", may be left out"}</h4>${membersTable(body.schema)}`}
${Object.entries(operation.responses)
  .filter(([status]) => /^[23]|503/.test(status))
  .map(([status, answer]) => answerBlock(status, answer))
  .join("\n")}
${refusals(operation)}
</article>`;
}

function curl(
  method: string,
  path: string,
  { parameters = [], responses }: DocumentedOperation,
  example: unknown,
  base: string,
): string {
  const query = parameters
    .filter((one) => one.in === "query" && (one.required || one.name === "stream"))
    .map(({ name }) => `${name}=${EXAMPLES[name] ?? "…"}`)
    .join("&");
  const url = `${base}${path.replace(/\{(\w+)\}/g, (_, name: string) => EXAMPLES[name] ?? name)}${query === "" ? "" : `?${query}`}`;
  const isStream = responses["200"]?.content?.["text/event-stream"] !== undefined;
  const parts = [
    `curl${isStream ? " -N" : ""}${method === "GET" ? "" : ` -X ${method}`}`,
    ...(isStream && method === "GET" ? ["-H 'Accept: text/event-stream'"] : []),
    ...(example === undefined
      ? []
      : ["-H 'Content-Type: application/json'", `-d '${JSON.stringify(example)}'`]),
    /[?&]/.test(url) ? `'${url}'` : url,
  ];
  const line = parts.join(" ");
  return line.length <= 72 ? line : parts.join(" \\\n  ");
}

/** What stands for a name in a line to copy. */
const EXAMPLES: Record<string, string> = {
  name: "scores",
  chat: "k3j9x0q2m1b7",
  run: "01gcp0lv7rj2kags",
  id: "guide",
  stream: "scores",
  prompt: "Why+is+the+sky+blue",
};

function parametersTable({ parameters = [] }: DocumentedOperation): string {
  const kinds = [
    ["path", "In the path"],
    ["query", "In the query"],
    ["header", "Headers"],
  ] as const;
  return kinds
    .map(([kind, title]) => {
      const members = parameters
        .filter((one) => one.in === kind)
        .flatMap(({ name, schema, required, description }): Member[] =>
          membersOf({ properties: { [name]: { ...schema, description } }, required: required ? [name] : [] }),
        );
      return members.length === 0 ? "" : `<h4>${title}</h4>${list(members)}`;
    })
    .join("");
}

function answerBlock(status: string, answer: DocumentedOperation["responses"][string]): string {
  const json = answer.content?.["application/json"]?.schema;
  const events = answer.content?.["text/event-stream"]?.schema.description;
  return `<h4><span class="status">${status}</span> ${prose(answer.description)}</h4>
${events === undefined ? "" : `<p><span class="muted">As events:</span> ${prose(events)}</p>`}
${json === undefined ? "" : membersTable(json)}`;
}

function membersTable(schema: JsonSchema): string {
  const members = membersOf(schema);
  return members.length > 0 ? list(members) : `<p>${prose(schema.description ?? "An object.")}</p>`;
}

function list(members: readonly Member[]): string {
  const rows = members.map(
    ({ name, type, isNeeded, description }) =>
      `<div><dt><code>${breakable(name)}</code> <span class="muted">${escape(type)}${isNeeded ? "" : ", optional"}</span></dt><dd>${prose(description)}</dd></div>`,
  );
  return `<dl>${rows.join("")}</dl>`;
}

function refusals({ responses }: DocumentedOperation): string {
  const rows = Object.entries(responses)
    .filter(
      ([status, { content }]) =>
        /^[45]/.test(status) && content?.["application/json"]?.schema.$ref !== undefined,
    )
    .map(
      ([status, { description }]) =>
        `<div><dt><span class="status">${status}</span></dt><dd>${prose(description)}</dd></div>`,
    );
  return rows.length === 0 ? "" : `<h4>Refusals</h4><dl class="refusals">${rows.join("")}</dl>`;
}

/** A sentence, whose `code` is marked. */
function prose(text: string): string {
  return escape(text).replace(/`([^`]+)`/g, "<code>$1</code>");
}

/** What is long breaks behind a slash or a dot. */
function breakable(text: string): string {
  return escape(text).replace(/([/.])(?=.)/g, "$1<wbr>");
}

function slug(text: string): string {
  return text.toLowerCase().replace(/[^a-z0-9]+/g, "-");
}

function escape(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.codePointAt(0)};`);
}
