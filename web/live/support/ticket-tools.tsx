import type { ReactNode } from "react";
import type { PresenceView } from "millrace/client/live";
import type { Thread, ThreadEvent } from "./thread.ts";
import { MAX_NAME, readText } from "./ticket.ts";
import type { Side } from "./ticket.ts";

/** What an agent says of itself: its name, and the log of the ticket that it looks at. */
export interface AgentHere {
  name: string;
  ticket?: string;
}

export interface TicketToolsProps {
  side: Side;
  stream: string;
  thread: Thread;
  customer: string;
  me: string;
  agents: PresenceView<AgentHere>;
  /** The customer is here. */
  isHere: boolean;
  isEnded: boolean;
  onAct: (event: ThreadEvent) => void;
}

/** Who has a ticket, who is here, and what can be done with it. */
export function TicketTools(props: TicketToolsProps): ReactNode {
  const { side, stream, thread, customer, me, agents, isHere, isEnded, onAct } = props;
  const isClosed = thread.status === "closed";
  const looking = agents.people
    .filter(({ data, person }) => data?.ticket === stream && (side === "customer" || person !== agents.me))
    .map(({ data }) => agentName(data));
  const having = thread.assignee === undefined ? "Nobody has taken it yet" : `With ${thread.assignee}`;
  return (
    <div className="support-tools">
      <p className="support-facts">
        <span className="support-state" data-state={isClosed ? "closed" : "open"}>
          {isClosed ? "Closed" : "Open"}
        </span>
        {side === "customer" && <span>{having}</span>}
        {side === "agent" && (
          <Here isHere={isHere}>{isHere ? `${customer} is here` : `${customer} is away`}</Here>
        )}
        {looking.length > 0 && (
          <Here isHere>{`${looking.join(", ")} ${looking.length > 1 ? "are" : "is"} reading it`}</Here>
        )}
      </p>
      <p className="support-acts">
        {side === "agent" && (
          <Assignee
            name={thread.assignee}
            me={me}
            others={agents.people.map(({ data }) => agentName(data))}
            isDisabled={isEnded}
            onAssign={(to) => onAct({ type: "ticket-assign", to, name: me })}
          />
        )}
        <button
          type="button"
          className="button is-line"
          disabled={isEnded}
          onClick={() => onAct({ type: isClosed ? "ticket-reopen" : "ticket-close", from: side, name: me })}
        >
          {isClosed ? "Reopen" : "Close"}
        </button>
      </p>
    </div>
  );
}

/** Somebody who is here has the colour of what is live. */
export function Here({ isHere, children }: { isHere: boolean; children: ReactNode }): ReactNode {
  return (
    <span className="support-here" data-here={isHere}>
      {children}
    </span>
  );
}

/** What an agent is called. It says so itself, so that it may be anything. */
export function agentName(data: Partial<Record<keyof AgentHere, unknown>> | undefined): string {
  return readText(data?.name, MAX_NAME) ?? "Agent";
}

interface AssigneeProps {
  name: string | undefined;
  me: string;
  others: readonly string[];
  isDisabled: boolean;
  onAssign: (to: string | null) => void;
}

function Assignee({ name, me, others, isDisabled, onAssign }: AssigneeProps): ReactNode {
  const names = [...new Set([me, ...others, ...(name === undefined ? [] : [name])])];
  return (
    <label className="support-assign">
      <span>Assigned to</span>
      <select
        value={name ?? ""}
        disabled={isDisabled}
        onChange={({ target }) => onAssign(target.value === "" ? null : target.value)}
      >
        <option value="">Nobody</option>
        {names.map((one) => (
          <option key={one} value={one}>
            {one === me ? `${one} (you)` : one}
          </option>
        ))}
      </select>
    </label>
  );
}
