/**
 * An admin operation, described once: HTTP mounts it, OpenAPI documents it, the command line runs it in process or sends it
 * to the running server. Input and result are as on the wire: JSON, in snake_case.
 */
import type { Static, TObject, TSchema } from 'typebox';
import type { JsonObject } from '../oauth/claims.js';
import type { AdminContext } from './context.js';
import { checkedInput } from './input.js';

interface Description {
  /** As the command line says it, with a dot: `users.create`. */
  readonly name: string;
  /** Where the command line says it otherwise: with a flag that takes the place of an argument, `keys revoke --all`. */
  readonly command?: string;
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** Under `/admin`. `:name` stands for the input's member of that name. */
  readonly path: string;
  readonly summary: string;
  /** Only for the command line on the server's own machine. */
  readonly local?: boolean;
}

interface Definition<I extends TObject, R extends TSchema> extends Description {
  /** Members that are neither in the path nor, with GET, in the query are those of the JSON body. */
  readonly input: I;
  readonly result: R;
  run(context: AdminContext, input: Static<I>, actor: string): Promise<Static<R>>;
}

export interface Operation extends Description {
  readonly input: TObject;
  readonly result: TSchema;
  /**
   * @param actor `cli`, or the id of the user or client whose token admits the request; for the audit log
   * @throws OAuthError; `invalid_request` where the input does not fit the schema
   */
  run(context: AdminContext, input: unknown, actor: string): Promise<JsonObject>;
}

export function operation<I extends TObject, R extends TSchema>(definition: Definition<I, R>): Operation {
  return {
    ...definition,
    run: async (context, input, actor) => {
      const result = await definition.run(context, checkedInput(definition.input, input), actor);
      return result as JsonObject;
    },
  };
}
