import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort, startCommand } from "../children.mjs";

/** @typedef {{name: string, title: string, file: string, configure: (options: {folder: string, routes: {port: number, target: number}[]}) => {args: string[], env?: object}}} Proxy */

const TOLD = `proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_upgrade;
  proxy_buffering off; proxy_read_timeout 1h; gzip on; gzip_min_length 0; gzip_types text/event-stream application/json text/plain;`;

/** From Debian, with nothing set but where to go; and nginx with what streams need.
 *  @type {Proxy[]} */
export const PROXIES = [
  {
    name: "nginx",
    title: "nginx, default",
    file: "/usr/sbin/nginx",
    configure: (options) => configureNginx(options, ""),
  },
  {
    name: "nginx-told",
    title: "nginx, told",
    file: "/usr/sbin/nginx",
    configure: (options) => configureNginx(options, TOLD),
  },
  {
    name: "haproxy",
    title: "HAProxy, Debian's defaults",
    file: "/usr/sbin/haproxy",
    configure: configureHaproxy,
  },
  { name: "caddy", title: "Caddy, default", file: "/usr/bin/caddy", configure: configureCaddy },
];

export const isInstalled = ({ file }) => existsSync(file);

/** Starts a proxy with a port for each target. */
export async function startProxy({ file, configure }, targets) {
  const folder = mkdtempSync(join(tmpdir(), "millrace-proxy-"));
  const routes = [];
  for (const target of targets) routes.push({ target, port: await freePort() });
  const { args, env } = configure({ folder, routes });
  const proxy = await startCommand(file, args, { port: routes[0].port, env, cwd: folder });
  return {
    ports: routes.map(({ port }) => port),
    async stop() {
      await proxy.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function configureNginx({ folder, routes }, settings) {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((name) => `${name}_temp_path ${folder}/${name};`)
    .join(" ");
  const servers = routes.map(
    ({ port, target }) =>
      `server { listen 127.0.0.1:${port}; location / { proxy_pass http://127.0.0.1:${target}; ${settings} } }`,
  );
  mkdirSync(`${folder}/logs`);
  writeFileSync(
    `${folder}/nginx.conf`,
    `daemon off; master_process off; pid ${folder}/pid; error_log ${folder}/error.log crit; events {}
     http { access_log off; ${temporary} map $http_upgrade $connection_upgrade { default upgrade; "" ""; } ${servers.join("\n")} }`,
  );
  return { args: ["-p", folder, "-c", `${folder}/nginx.conf`] };
}

/** The section `defaults` of Debian's haproxy.cfg. */
function configureHaproxy({ folder, routes }) {
  const sections = routes.map(
    ({ port, target }, index) => `
frontend in${index}
  bind 127.0.0.1:${port}
  default_backend out${index}
backend out${index}
  server one 127.0.0.1:${target}`,
  );
  writeFileSync(
    `${folder}/haproxy.cfg`,
    `defaults
  mode http
  timeout connect 5000
  timeout client  50000
  timeout server  50000
${sections.join("")}
`,
  );
  return { args: ["-db", "-f", `${folder}/haproxy.cfg`] };
}

function configureCaddy({ folder, routes }) {
  const sites = routes.map(
    ({ port, target }) => `http://127.0.0.1:${port} {\n  reverse_proxy 127.0.0.1:${target}\n}`,
  );
  writeFileSync(`${folder}/Caddyfile`, `{\n  admin off\n  auto_https off\n}\n${sites.join("\n")}\n`);
  const env = { HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder };
  return { args: ["run", "--config", `${folder}/Caddyfile`, "--adapter", "caddyfile"], env };
}
