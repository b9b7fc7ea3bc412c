import type { Mend } from "./finding.ts";
import type { Heard } from "./listening.ts";

/** Who stands in between, as far as it says. */
export function proxyOf({ headers }: Heard): "nginx" | "Caddy" | "Cloudflare" | undefined {
  const said = [headers["server"], headers["via"]].join(" ").toLowerCase();
  if ("cf-ray" in headers || said.includes("cloudflare")) return "Cloudflare";
  if (said.includes("nginx") || said.includes("openresty")) return "nginx";
  return said.includes("caddy") ? "Caddy" : undefined;
}

/** The code, and who stands in between; where nobody says so, all of them. */
export function mendFor(heard: Heard, ...mends: Mend[]): Mend[] {
  const proxy = proxyOf(heard);
  return mends.filter(({ where }) => where === "code" || proxy === undefined || where === proxy);
}
