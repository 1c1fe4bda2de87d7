// The library for single-page apps: the access token in memory, the refresh token in a cookie no script can read.
export { type AuthClient, type AuthClientOptions, type Credentials, createAuthClient } from './client.js';
export { AuthError } from './errors.js';
export type { AuthState, SignedOutReason } from './state.js';
