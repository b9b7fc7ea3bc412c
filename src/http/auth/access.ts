import type { Context } from "hono";
import { StreamError } from "../../protocol/error.ts";
import type { OpenReader } from "../../hub/readers.ts";
import type { StreamName } from "../../protocol/names.ts";
import { compileScopes } from "./scopes.ts";
import type { Grants, Scope, StreamRight } from "./scopes.ts";

/** Who asks, and what they may. */
export interface Principal {
  /** The person: whose chats and runs they are, and who is said to type. 1 to 64 of `A-Za-z0-9._~-`. */
  id: string;
  scopes: readonly Scope[];
  /** When they may no longer, in Unix milliseconds: what they read is closed then. Default: never. */
  expiresAt?: number;
  /** Decides where no scope does, such as by a look into a database of your own. */
  may?: (right: StreamRight, stream: string) => boolean | Promise<boolean>;
}

/** `hidden`: it is somebody else's, and is treated as what does not exist. */
export type Verdict = "allowed" | "hidden" | "forbidden";

/** Says whose the server's own streams are; undefined for what does not exist. */
export interface Owners {
  chat(chat: string): Promise<string | undefined>;
  run(run: string): Promise<string | undefined>;
}

export interface AccessOptions {
  principal: Principal;
  owners: Owners;
  /** Whether it is everybody, since nobody has to sign in. */
  isEverybody?: boolean;
  /** Whether what belongs to the person is theirs without a scope. A ticket names all that it opens. Default true. */
  hasOwn?: boolean;
  /** What it was proved with, such as the id of a key: what that one loses, this loses too. */
  credential?: string | undefined;
  /** The cookie that it was proved with, and that can be given back. Absent: it was something else. */
  cookie?: "session" | "guest" | undefined;
  /** Keeps a reader until it may no longer read. Returns what forgets it. */
  hold?: (access: Access, reader: OpenReader) => () => void;
}

const OWN = /^(chats|runs|people)\/([^/]+)/;

/** What whoever sent a request may do. Everything that a route hands out or changes is asked for here first. */
export class Access {
  readonly principal: Principal;
  readonly isEverybody: boolean;
  readonly credential: string | undefined;
  readonly cookie: "session" | "guest" | undefined;
  readonly #grants: Grants;
  readonly #owners: Owners;
  readonly #hasOwn: boolean;
  readonly #hold: AccessOptions["hold"];

  constructor(options: AccessOptions) {
    const { principal, owners, isEverybody = false, hasOwn = true, credential, cookie, hold } = options;
    this.principal = principal;
    this.isEverybody = isEverybody;
    this.credential = credential;
    this.cookie = cookie;
    this.#grants = compileScopes(principal.scopes, principal.id);
    this.#owners = owners;
    this.#hasOwn = hasOwn;
    this.#hold = hold;
  }

  /** The person. */
  get id(): string {
    return this.principal.id;
  }

  /** Whether they may everything, and see everything. */
  get isAdmin(): boolean {
    return this.#grants.isAdmin;
  }

  /** Whether it may end before what it reads does. */
  get mayEnd(): boolean {
    return this.principal.expiresAt !== undefined || this.credential !== undefined;
  }

  get mayRun(): boolean {
    return this.#grants.mayRun;
  }

  /** Whether they may read a stream, live and replayed alike. */
  reads(stream: StreamName): Verdict | Promise<Verdict> {
    return this.isAdmin ? "allowed" : this.#readsOwn(stream);
  }

  /** Whether a run is theirs to read and to stop. */
  async hasRun(run: string): Promise<boolean> {
    return this.isAdmin || (this.#hasOwn && (await this.#owners.run(run)) === this.id);
  }

  /** Errors: `forbidden` 403. */
  async check(right: Exclude<StreamRight, "read">, stream: StreamName): Promise<void> {
    if (this.isAdmin || (await this.#isGranted(right, stream))) return;
    throw forbidden(`${right}:${stream}`);
  }

  /** Errors: `forbidden` 403. */
  checkRun(): void {
    if (!this.mayRun) throw forbidden("run");
  }

  /** Errors: `forbidden` 403. */
  checkAdmin(): void {
    if (!this.isAdmin) throw forbidden("admin");
  }

  /** Keeps a reader until it may no longer read. Returns what forgets it. */
  hold(reader: OpenReader): () => void {
    return this.#hold?.(this, reader) ?? (() => {});
  }

  async #readsOwn(stream: StreamName): Promise<Verdict> {
    if (await this.#isGranted("read", stream)) return "allowed";
    const [, kind, name = ""] = OWN.exec(stream) ?? [];
    if (kind === undefined) return "forbidden";
    return this.#hasOwn && (await this.#ownerOf(kind, name)) === this.id ? "allowed" : "hidden";
  }

  #ownerOf(kind: string, name: string): Promise<string | undefined> {
    if (kind === "chats") return this.#owners.chat(name);
    return kind === "runs" ? this.#owners.run(name) : Promise.resolve(name);
  }

  async #isGranted(right: StreamRight, stream: StreamName): Promise<boolean> {
    return this.#grants.covers(right, stream) || (await this.principal.may?.(right, stream)) === true;
  }
}

/** Who everybody is where nobody has to sign in. */
export const EVERYBODY: Principal = { id: "local", scopes: ["admin"] };

declare module "hono" {
  interface ContextVariableMap {
    access: Access;
  }
}

/** What the sender of this request may. It is decided before any route is asked.
 *  Errors: `unauthorized` 401 for one who has not said who they are. */
export function accessOf(context: Context): Access {
  // Absent where a page is asked for: those are for everybody, and what they ask for then is not.
  const access: Access | undefined = context.get("access");
  if (access !== undefined) return access;
  throw new StreamError("unauthorized", "Sign in first: nobody is known by this request.");
}

/** Says which right is wanting. */
export function forbidden(scope: string): StreamError {
  return new StreamError(
    "forbidden",
    `That needs the right ${scope}, which you do not have. Whoever runs this server can give it.`,
  );
}
