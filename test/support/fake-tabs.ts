import type { LocksLike } from "../../src/client/election.ts";
import type { ChannelLike, TabMessage } from "../../src/client/tabs.ts";

interface Claim {
  name: string;
  /** Stands for its tab, which claims each lock once at a time. */
  id: number;
  grant: () => void;
  reject: (reason: unknown) => void;
  isHeld: boolean;
}

/** The Web Locks of one browser. */
export class FakeLocks implements LocksLike {
  #claims: Claim[] = [];
  #count = 0;
  /** How often a lock was taken from whoever held it. */
  steals = 0;

  request(
    name: string,
    { signal, steal = false }: { signal?: AbortSignal; steal?: boolean },
    callback: () => Promise<void>,
  ): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const hold = async () => {
        await Promise.resolve();
        await callback();
        this.#drop(claim);
        resolve(undefined);
      };
      const claim: Claim = {
        name,
        id: (this.#count += 1),
        isHeld: false,
        reject,
        grant: () => {
          claim.isHeld = true;
          void hold();
        },
      };
      if (steal) {
        for (const robbed of this.#claims.filter((one) => one.name === name && one.isHeld)) {
          this.#claims.splice(this.#claims.indexOf(robbed), 1);
          this.steals += 1;
          robbed.reject(new DOMException("stolen", "AbortError"));
        }
        this.#claims.unshift(claim);
      } else this.#claims.push(claim);
      signal?.addEventListener("abort", () => {
        if (claim.isHeld) return;
        this.#drop(claim);
        reject(new DOMException("aborted", "AbortError"));
      });
      this.#grant();
    });
  }

  async query(): Promise<{ held: { name: string; clientId: string }[] }> {
    await Promise.resolve();
    return {
      held: this.#claims.filter(({ isHeld }) => isHeld).map(({ name, id }) => ({ name, clientId: `${id}` })),
    };
  }

  /** How many hold or wait for locks, by name. */
  get count(): number {
    return this.#claims.length;
  }

  /** What the browser does when a tab dies: all its locks are free. */
  release(isOf: (name: string) => boolean): void {
    for (const claim of this.#claims.filter(({ name }) => isOf(name))) this.#drop(claim);
  }

  #drop(claim: Claim): void {
    const index = this.#claims.indexOf(claim);
    if (index !== -1) this.#claims.splice(index, 1);
    this.#grant();
  }

  #grant(): void {
    const taken = new Set<string>();
    for (const claim of this.#claims) {
      if (!taken.has(claim.name) && !claim.isHeld) claim.grant();
      taken.add(claim.name);
    }
  }
}

/** The channels of one browser. Messages are copied, and come in a later turn. */
export function createFakeChannels() {
  const open = new Set<FakeChannel>();
  /** What is told of each message; false loses it. */
  const network = { passes: (_message: TabMessage) => true, open };

  class FakeChannel implements ChannelLike {
    readonly name: string;
    readonly #listeners: ((event: MessageEvent<TabMessage>) => void)[] = [];
    isFrozen = false;

    constructor(name: string) {
      this.name = name;
      open.add(this);
    }

    addEventListener(_type: "message", listener: (event: MessageEvent<TabMessage>) => void): void {
      this.#listeners.push(listener);
    }

    postMessage(message: TabMessage): void {
      if (this.isFrozen || !network.passes(message)) return;
      for (const other of open) {
        if (other === this || other.name !== this.name) continue;
        const data = structuredClone(message);
        queueMicrotask(() => {
          if (other.isFrozen || !open.has(other)) return;
          for (const listener of other.#listeners) listener(new MessageEvent("message", { data }));
        });
      }
    }

    close(): void {
      open.delete(this);
    }
  }
  return { Channel: FakeChannel, network };
}
