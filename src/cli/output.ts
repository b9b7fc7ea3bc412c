/** Grey where a person looks at a terminal that wants colours; as it is where it is piped. */
export function dim(text: string, stream: { isTTY?: boolean } = process.stdout): string {
  return stream.isTTY === true && process.env["NO_COLOR"] === undefined ? `\u001B[2m${text}\u001B[22m` : text;
}
