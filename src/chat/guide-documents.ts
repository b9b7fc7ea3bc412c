import { readFile, readdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { GuideDocument } from "./guide-passages.ts";

const DOCUMENT = /^(?:[^/]+|(?:docs\/)?guide\/[^/]+)\.md$/;

/** Reads the documents that the guide model answers from: `*.md` and `guide/*.md` in a folder, as the build copies them to
 *  `dist/docs`. `path` is relative to the folder, with `/`; sorted. A folder that does not exist has no documents. */
export async function loadGuideDocuments(directory: URL): Promise<GuideDocument[]> {
  const folder = new URL(directory.href.endsWith("/") ? directory.href : `${directory.href}/`);
  const paths = (await listFiles(fileURLToPath(folder)))
    .map((path) => path.replaceAll("\\", "/"))
    .filter((path) => DOCUMENT.test(path))
    .sort((a, b) => (a < b ? -1 : 1));
  return Promise.all(
    paths.map(async (path) => ({ path, text: await readFile(new URL(encodeURI(path), folder), "utf8") })),
  );
}

async function listFiles(folder: string): Promise<string[]> {
  try {
    return await readdir(folder, { recursive: true });
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw error;
  }
}
