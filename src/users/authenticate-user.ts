/** A user by login name and password, within the limits on wrong ones. */
import type { AuditLog } from '../audit.js';
import type { Counters } from '../counters.js';
import type { Logger } from '../log.js';
import { OAuthError, temporarilyUnavailable } from '../oauth/errors.js';
import { canonicalLogin } from './identifiers.js';
import type { AdmittedLogin, LoginLimits } from './login-limits.js';
import { type PasswordHasher, passwordLimitBytes } from './password-hasher.js';
import type { User, UserStore } from './user.js';

export interface UserAuthenticatorDependencies {
  users: UserStore;
  hasher: PasswordHasher;
  limits: LoginLimits;
  audit: AuditLog;
  counters: Counters;
  log: Logger;
}

export interface Credentials {
  login: string;
  password: string;
  clientId: string;
  /** Where the login comes from. */
  device: { address: string | undefined; userAgent: string | undefined };
}

export class UserAuthenticator {
  readonly #dependencies: UserAuthenticatorDependencies;

  constructor(dependencies: UserAuthenticatorDependencies) {
    this.#dependencies = dependencies;
  }

  /**
   * The user whose password this is. Unknown, disabled and wrong take the same time and look the same from outside.
   * Throws `invalid_grant`, and `too_many_requests` after too many wrong passwords.
   */
  async authenticate(credentials: Credentials): Promise<User> {
    const { users, limits } = this.#dependencies;
    const { login, device } = credentials;
    const name = canonicalLogin(login);
    const user = name === undefined ? undefined : await users.findByLogin(name);
    const admitted = await limits.admit({
      account: user?.id ?? `unknown ${name ?? ''}`,
      address: device.address,
      isKnownNetwork: (network) => users.isKnownNetwork(user?.id ?? nobody, network),
    });
    return this.#decide(credentials, user, admitted);
  }

  async #decide(credentials: Credentials, user: User | undefined, admitted: AdmittedLogin): Promise<User> {
    const matches = await this.#matches(credentials.password, user, admitted);
    if (!user || !matches || user.disabledAt) {
      this.#dependencies.counters.login('failed');
      const reason = refusalOf(user, matches);
      await admitted.failed();
      await this.#recordFailure(credentials, user?.id, reason);
      throw wrongCredentials(reason);
    }
    this.#dependencies.counters.login('succeeded');
    await this.#remember(user, credentials, admitted);
    return user;
  }

  async #matches(password: string, user: User | undefined, admitted: AdmittedLogin): Promise<boolean> {
    const tooLong = Buffer.byteLength(password) > passwordLimitBytes;
    const [hash, tried] = tooLong ? [undefined, ''] : [user?.passwordHash, password];
    try {
      return await this.#dependencies.hasher.verify(hash, tried);
    } catch (error) {
      await admitted.undecided();
      throw error;
    }
  }

  /**
   * Why no session began although the password was right: the refusal to answer with. `invalid_grant` where the user's row
   * changed in between; otherwise the fault is ours, and the login may be repeated.
   */
  async changedMeanwhile(credentials: Credentials, before: User): Promise<OAuthError> {
    const now = await this.#dependencies.users.findByLogin(before.email);
    const reason =
      now && !differs(before, now) ? 'no session could begin' : 'the account changed during the login';
    await this.#recordFailure(credentials, before.id, reason);
    if (now && !differs(before, now)) return temporarilyUnavailable(reason);
    return new OAuthError('invalid_grant', { description: 'The account changed during the login', reason });
  }

  /** For the admin who asks later. */
  #recordFailure(
    { clientId, device }: Credentials,
    userId: string | undefined,
    reason: string,
  ): Promise<void> {
    const { address, userAgent } = device;
    const detail = { reason };
    return this.#dependencies.audit.record({
      type: 'login_failed',
      userId,
      clientId,
      address,
      userAgent,
      detail,
    });
  }

  /** A login is not refused because something about it could not be kept: the next one will try again. */
  async #remember(user: User, { password, device }: Credentials, admitted: AdmittedLogin): Promise<void> {
    const { users, hasher, limits, log } = this.#dependencies;
    try {
      await admitted.succeeded();
      await users.rememberNetwork(user.id, limits.networkId(device.address));
      if (hasher.isOutdated(user.passwordHash)) {
        await users.replacePasswordHash(user, await hasher.hash(password));
      }
    } catch (error) {
      log.warn({ err: error, user_id: user.id }, 'login not remembered, or password hash not renewed');
    }
  }
}

/** Whom the network of an unknown user is asked for: the same work as for a known one. */
const nobody = '00000000-0000-0000-0000-000000000000';

function refusalOf(user: User | undefined, matches: boolean): string {
  if (!user) return 'unknown user';
  return matches ? 'user disabled' : 'wrong password';
}

/** Never says which part was wrong, nor whether the user exists. */
function wrongCredentials(reason: string): OAuthError {
  return new OAuthError('invalid_grant', { description: 'Wrong username or password', reason });
}

/** Whether anything that a session is conditional on differs. */
function differs(before: User, now: User): boolean {
  return (
    now.id !== before.id ||
    now.disabledAt !== null ||
    now.passwordChangedAt.getTime() !== before.passwordChangedAt.getTime() ||
    now.revokedBefore?.getTime() !== before.revokedBefore?.getTime()
  );
}
