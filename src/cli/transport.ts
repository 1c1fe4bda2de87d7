/** What carries a command's operation to where it runs. */
import type { Operation } from '../admin/operation.js';
import type { JsonObject } from '../oauth/claims.js';

export interface Transport {
  /** Throws `OAuthError`, as the operation does. */
  run(operation: Operation, input: JsonObject): Promise<JsonObject>;
  close(): Promise<void>;
}
