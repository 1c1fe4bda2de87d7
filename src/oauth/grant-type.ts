/** The grant types of this server: RFC 6749 §4.3, §4.4, §6. */
export const grantTypes = ['password', 'client_credentials', 'refresh_token'] as const;
export type GrantType = (typeof grantTypes)[number];
