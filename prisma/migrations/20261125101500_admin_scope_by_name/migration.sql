-- The scope keyturn:admin is granted only when it is asked for by name, and then the token is good for /admin alone. Sessions from
-- before may have it without having asked: their next access token would be of no use to the application that holds them.
UPDATE sessions SET scope = array_remove(scope, 'keyturn:admin')
WHERE revoked_at IS NULL AND 'keyturn:admin' = ANY (scope);
