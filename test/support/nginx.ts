import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "./server-process.ts";

/** Debian's nginx in front of a server, with nothing set but where it is, and what is given. */
export interface Nginx extends AsyncDisposable {
  url: string;
}

/** `location`: the path that is handed on, and what is put in its place; default all, as it is. */
export async function startNginx(
  target: string,
  directives = "",
  { path, to } = { path: "/", to: "" },
): Promise<Nginx> {
  const folder = await mkdtemp(join(tmpdir(), "millrace-nginx-"));
  const port = await freePort();
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (name) => `${name}_temp_path ${folder}/${name};`,
  );
  const config = `
    daemon off; master_process off; pid ${folder}/pid; error_log ${folder}/error.log;
    events {}
    http {
      access_log off; ${temporary.join(" ")}
      server { listen 127.0.0.1:${port}; location ${path} { proxy_pass ${target}${to}; ${directives} } }
    }`;
  await writeFile(join(folder, "nginx.conf"), config);
  const child = spawn("/usr/sbin/nginx", ["-p", folder, "-c", join(folder, "nginx.conf")], {
    stdio: "ignore",
  });
  const gone = once(child, "exit");
  while (!(await accepts(port))) {
    if (child.exitCode !== null) throw new Error("nginx did not start");
  }
  return {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await gone;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.destroy();
      resolve(true);
    });
    // Refused: it is looked at again shortly.
    socket.on("error", () => setTimeout(() => resolve(false), 20));
  });
}
