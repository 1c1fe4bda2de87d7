/** A registered application (RFC 6749 §2). */
export interface Client {
  id: string;
  type: 'public' | 'confidential';
  /** SHA-256 of the client secret; null for a public client. */
  secretHash: Uint8Array | null;
  grants: readonly string[];
  scope: readonly string[];
  /** The `aud` of its access tokens; empty: the server's default. */
  audiences: readonly string[];
  /** Web origins whose pages may act by this client's cookie. */
  origins: readonly string[];
  refreshDelivery: 'body' | 'cookie';
  /** `none` for single-page apps on another site. */
  cookieSameSite: 'strict' | 'none';
  disabledAt: Date | null;
  /** Its own access tokens issued before this are revoked. */
  revokedBefore: Date | null;
  createdAt: Date;
  updatedAt: Date;
}

export interface ClientStore {
  find(id: string): Promise<Client | undefined>;
  /** Every origin that some enabled client registered. */
  origins(): Promise<string[]>;
  /** The grant types that some enabled client has. */
  grants(): Promise<string[]>;
}
