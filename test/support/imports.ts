import { posix } from "node:path";
import { parseSync } from "vite";

/** What one folder, or the files that one pattern names, may import. The first rule that matches a file holds for it. */
export interface ImportRule {
  files: RegExp;
  /** Folders or files of src/, as prefixes of the path ("src/protocol/", "src/log/log.ts"). Its own folder is given. */
  may: readonly string[];
  /** The same, but for types only. */
  mayType?: readonly string[];
  packages?: readonly string[];
  /** Whether `node:` modules may be imported. Default false. */
  node?: boolean;
}

/** Checks the files of src/ against the rules; returns one sentence for each thing that is wrong, in the order of files.
 *  Shape:  paths from the root of the repository, with `/`; the content is TypeScript. */
export function checkImports(files: ReadonlyMap<string, string>, rules: readonly ImportRule[]): string[] {
  const problems: string[] = [];
  const graph = new Map<string, string[]>();
  for (const [path, source] of files) {
    const { imports, faults } = readModule(path, source);
    problems.push(...faults.map((fault) => `${path}: ${fault}`));
    const folder = FORBIDDEN_FOLDERS.find((name) => path.split("/").includes(name));
    if (folder !== undefined)
      problems.push(`${path}: a folder called ${folder} says nothing about its files`);

    const rule = rules.find(({ files: pattern }) => pattern.test(path));
    if (rule === undefined) problems.push(`${path}: no rule names this file`);
    else problems.push(...imports.flatMap((found) => judgeImport(path, found, rule, files) ?? []));
    graph.set(
      path,
      imports.map(({ specifier }) => resolveImport(path, specifier)).filter((target) => files.has(target)),
    );
  }
  return [...problems, ...findCycles(graph)];
}

/** One import or re-export, whatever its form. */
export interface FoundImport {
  specifier: string;
  /** Gone after compilation: `import type`, `export type … from`, `import("…").Name` in a type. */
  isTypeOnly: boolean;
}

/** Reads every import of a module from its syntax tree, and what no module of src/ may contain. */
export function readModule(path: string, source: string): { imports: FoundImport[]; faults: string[] } {
  const parsed = parseSync(path, source);
  const imports: FoundImport[] = [];
  const faults = parsed.errors.map(({ message }) => `does not parse: ${message}`);
  visit(parsed.program, (node) => {
    switch (node["type"]) {
      case "ExportDefaultDeclaration":
      case "TSExportAssignment":
        faults.push("a default export; exports have names");
        break;
      case "ExportAllDeclaration":
        faults.push("`export *`; an entry lists each name");
        break;
      case "ExportNamedDeclaration":
        if (isDefaultSpecifier(node["specifiers"])) faults.push("a default export; exports have names");
        break;
      default:
        break;
    }
    const sourceNode = IMPORTING.has(String(node["type"])) ? importSource(node) : undefined;
    if (sourceNode === undefined) return;
    if (typeof sourceNode["value"] !== "string") {
      faults.push("an import of a computed name, which nothing can check");
      return;
    }
    const kind = node["importKind"] ?? node["exportKind"];
    imports.push({
      specifier: sourceNode["value"],
      isTypeOnly: kind === "type" || node["type"] === "TSImportType",
    });
  });
  return { imports, faults };
}

const FORBIDDEN_FOLDERS = ["utils", "util", "common", "helpers", "misc"];

/** The forms in which TypeScript can name another module; each has it as `source` or `expression`. */
const IMPORTING = new Set([
  "ImportDeclaration",
  "ExportNamedDeclaration",
  "ExportAllDeclaration",
  "ImportExpression",
  "TSImportType",
  "TSExternalModuleReference",
]);

function judgeImport(
  path: string,
  found: FoundImport,
  rule: ImportRule,
  files: ReadonlyMap<string, string>,
): string | undefined {
  const { specifier, isTypeOnly } = found;
  if (specifier.startsWith("node:")) {
    return rule.node === true ? undefined : `${path}: imports ${specifier}, but must run anywhere`;
  }
  if (!specifier.startsWith(".")) {
    const name = packageName(specifier);
    return rule.packages?.includes(name) === true ? undefined : `${path}: may not import the package ${name}`;
  }
  const target = resolveImport(path, specifier);
  if (!files.has(target)) return `${path}: imports ${specifier}, which is not a file of src/`;
  if (isWithin(target, rule.may) || isOwnFolder(path, target)) return undefined;
  if (!isWithin(target, rule.mayType ?? [])) return `${path}: may not import ${target}`;
  return isTypeOnly ? undefined : `${path}: may import ${target} for its types only`;
}

function resolveImport(path: string, specifier: string): string {
  return specifier.startsWith(".") ? posix.join(posix.dirname(path), specifier) : specifier;
}

function isWithin(target: string, prefixes: readonly string[]): boolean {
  return prefixes.some((prefix) => (prefix.endsWith("/") ? target.startsWith(prefix) : target === prefix));
}

/** Files of one part ("src/http/…") may import each other; src/ itself is no part. */
function isOwnFolder(path: string, target: string): boolean {
  const [root, part, ...rest] = path.split("/");
  return rest.length > 0 && target.startsWith(`${root}/${part}/`);
}

function packageName(specifier: string): string {
  const parts = specifier.split("/");
  return parts.slice(0, specifier.startsWith("@") ? 2 : 1).join("/");
}

/** Each cycle once, from the file at which a walk in order meets it first. */
function findCycles(graph: ReadonlyMap<string, readonly string[]>): string[] {
  const cycles: string[] = [];
  const done = new Set<string>();
  const walk = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path);
    if (start !== -1) {
      cycles.push(`a cycle of imports: ${[...trail.slice(start), path].join(" → ")}`);
      return;
    }
    if (done.has(path)) return;
    for (const target of graph.get(path) ?? []) walk(target, [...trail, path]);
    done.add(path);
  };
  for (const path of graph.keys()) walk(path, []);
  return cycles;
}

type SyntaxNode = Readonly<Record<string, unknown>>;

/** Calls back for each node of a syntax tree. It needs no list of node types, so that new syntax cannot hide an import. */
function visit(value: unknown, onNode: (node: SyntaxNode) => void): void {
  if (Array.isArray(value)) {
    for (const item of value) visit(item, onNode);
  } else if (isNode(value)) {
    if (typeof value["type"] === "string") onNode(value);
    for (const child of Object.values(value)) visit(child, onNode);
  }
}

function importSource(node: SyntaxNode): SyntaxNode | undefined {
  const source = node["source"] ?? node["expression"];
  return isNode(source) ? source : undefined;
}

function isDefaultSpecifier(specifiers: unknown): boolean {
  if (!Array.isArray(specifiers)) return false;
  return specifiers.some((specifier: unknown) => {
    const exported = isNode(specifier) ? specifier["exported"] : undefined;
    return isNode(exported) && (exported["name"] ?? exported["value"]) === "default";
  });
}

function isNode(value: unknown): value is SyntaxNode {
  return typeof value === "object" && value !== null;
}
