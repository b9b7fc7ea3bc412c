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

export interface KeysFlags {
  data: string;
  keys?: string;
  json?: boolean;
}

export interface KeyFlags extends KeysFlags {
  scopes: string;
  person?: string;
  days?: string;
}

export interface TortureFlags {
  duration: string;
  seed: string;
  nodes: string;
  runs: string;
  rate: string;
  cuts?: string;
  cutAfter: string;
  killEvery: string;
  redisKills: boolean;
  recover?: string;
  url?: string;
  log?: string;
  json?: boolean;
}

export interface DoctorFlags {
  publish?: string | true;
  body?: string;
  header?: string[];
  origin?: string;
  timeout: string;
  wait: string;
  silence: string;
  json?: boolean;
}

export interface ExportFlags extends ServerFlags {
  stream?: string[];
}

export interface ImportFlags extends ExportFlags {
  replace?: boolean;
  missing?: boolean;
}
