import { createContext, createElement, useContext } from "react";
import type { ReactNode } from "react";
import { createClient } from "../client/index.ts";
import type { Client } from "../client/index.ts";

const ClientContext = createContext<Client | undefined>(undefined);
let ofThePage: Client | undefined;

export interface MillraceProviderProps {
  client: Client;
  children?: ReactNode;
}

/** Says which server the hooks below it speak to. Needed only where that is not the origin of the page. */
export function MillraceProvider({ client, children }: MillraceProviderProps): ReactNode {
  return createElement(ClientContext.Provider, { value: client }, children);
}

/** The client of the nearest `MillraceProvider`; without one, a client for the origin of the page, the same for all. */
export function useClient(): Client {
  return useContext(ClientContext) ?? (ofThePage ??= createClient());
}
