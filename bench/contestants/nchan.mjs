import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";

const NGINX = "/usr/sbin/nginx";
const MODULE = "/usr/lib/nginx/modules/ngx_nchan_module.so";

/** nginx with nchan, from Debian: memory only, one process as every other contestant. */
export default {
  title: "nginx + nchan",
  files: [NGINX, MODULE],
  readPath: (stream) => `/read/${stream}`,
  publishPath: (stream) => `/publish/${stream}`,
  version() {
    try {
      return execFileSync("dpkg-query", ["-W", "-f=${Version}", "libnginx-mod-nchan"], { encoding: "utf8" });
    } catch {
      return undefined;
    }
  },
  command({ port, folder, first = "newest" }) {
    const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
      .map((name) => `${name}_temp_path ${folder}/${name};`)
      .join(" ");
    mkdirSync(`${folder}/logs`, { recursive: true });
    writeFileSync(
      `${folder}/nginx.conf`,
      `load_module ${MODULE};
      daemon off; master_process off; worker_rlimit_nofile 20000; pid ${folder}/pid; error_log ${folder}/error.log crit;
      events { worker_connections 16000; }
      http {
        access_log off; keepalive_requests 1000000000; keepalive_timeout 600; ${temporary}
        nchan_shared_memory_size 512M; nchan_message_buffer_length 10000; nchan_message_timeout 1h;
        server {
          listen 127.0.0.1:${port} backlog=4096;
          location ~ /read/(.+)$ { nchan_subscriber eventsource; nchan_channel_id $1; nchan_subscriber_first_message ${first}; }
          location ~ /publish/(.+)$ { nchan_publisher; nchan_channel_id $1; }
        }
      }`,
    );
    return { command: NGINX, args: ["-p", folder, "-c", `${folder}/nginx.conf`] };
  },
};
