/** A user by login name and password. */
import type { Logger } from '../log.js';
import { canonicalLogin } from './identifiers.js';
import { type PasswordHasher, passwordLimitBytes } from './password-hasher.js';
import type { User, UserStore } from './user.js';

export type UserAuthentication = { user: User } | { refused: string; user?: User };

export class UserAuthenticator {
  readonly #users: UserStore;
  readonly #hasher: PasswordHasher;
  readonly #log: Logger;

  constructor(users: UserStore, hasher: PasswordHasher, log: Logger) {
    this.#users = users;
    this.#hasher = hasher;
    this.#log = log;
  }

  /** Unknown, disabled and wrong take the same time and look the same from outside; `refused` says which, for the log. */
  async authenticate(login: string, password: string): Promise<UserAuthentication> {
    const name = canonicalLogin(login);
    const user = name === undefined ? undefined : await this.#users.findByLogin(name);
    const tooLong = Buffer.byteLength(password) > passwordLimitBytes;
    const matches = await this.#hasher.verify(
      tooLong ? undefined : user?.passwordHash,
      tooLong ? '' : password,
    );
    if (!user) return { refused: 'unknown user' };
    if (!matches) return { refused: 'wrong password', user };
    if (user.disabledAt) return { refused: 'user disabled', user };
    await this.#rehashIfOutdated(user, password);
    return { user };
  }

  /** A login is not refused because its hash could not be renewed: the next one will try again. */
  async #rehashIfOutdated(user: User, password: string): Promise<void> {
    if (!this.#hasher.isOutdated(user.passwordHash)) return;
    try {
      await this.#users.replacePasswordHash(user, await this.#hasher.hash(password));
    } catch (error) {
      this.#log.warn({ err: error, user_id: user.id }, 'password hash not renewed');
    }
  }
}
