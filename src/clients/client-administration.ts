/** What admins do to clients. Every change is one commit, its audit event included. */
import type { Announce } from '../blocklist/blocklist.js';
import type { Client } from './client.js';

/** What of a client can be changed. */
export type ClientProfile = Pick<
  Client,
  'grants' | 'scope' | 'audiences' | 'origins' | 'refreshDelivery' | 'cookieSameSite'
>;

export type ClientDraft = ClientProfile & Pick<Client, 'id' | 'type' | 'secretHash'>;

export type ClientEnding = 'client_disabled' | 'client_deleted';

export interface EndedClient {
  client: Client;
  endedSessions: number;
}

export interface ClientAdministration {
  create(draft: ClientDraft, actor: string): Promise<Client | 'taken'>;
  find(id: string): Promise<Client | undefined>;
  /** By id, those after `afterId`, at most `limit`. */
  list(afterId: string, limit: number): Promise<Client[]>;
  /** `change` sees the client as nobody else can change it meanwhile, and may throw. */
  update(id: string, change: (client: Client) => ClientProfile, actor: string): Promise<Client | undefined>;
  replaceSecret(id: string, secretHash: Uint8Array, actor: string): Promise<Client | undefined>;
  enable(id: string, actor: string): Promise<Client | undefined>;
  /**
   * Ends the client's sessions and revokes its own tokens. One commit, but where there are very many sessions: then the
   * client is disabled first, and what fails halfway goes on when it is asked again.
   */
  end(id: string, ending: ClientEnding, actor: string, announce: Announce): Promise<EndedClient | undefined>;
}
