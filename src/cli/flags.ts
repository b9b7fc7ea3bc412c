/** How the commands that ask a server find it. */
export interface ServerFlags {
  url?: string;
  data: string;
}

export interface AskFlags extends ServerFlags {
  model?: string;
  key?: string;
}

export interface TailFlags extends ServerFlags {
  after: string;
  json?: boolean;
}

export interface PublishFlags extends ServerFlags {
  close?: boolean;
}
