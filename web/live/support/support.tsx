import { useMemo } from "react";
import type { ReactNode } from "react";
import { useClient } from "millrace/react";
import { Customer } from "./customer.tsx";
import { Desk } from "./desk.tsx";
import { createOutbox } from "./outbox.ts";
import { readPlace } from "./place.ts";
import "./support.css";

/** The support desk: the customer's side, or the agent's, by the address. */
export function Support({ path }: { path: string }): ReactNode {
  const { api } = useClient();
  const outbox = useMemo(() => createOutbox(api), [api]);
  const { side, ticket } = readPlace(path);
  const Page = side === "agent" ? Desk : Customer;
  return (
    <div className="support-page" data-open={ticket !== undefined}>
      <Page open={ticket} outbox={outbox} />
    </div>
  );
}
