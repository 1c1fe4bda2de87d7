-- A client's sessions are walked by id, a page at a time.
DROP INDEX "sessions_client_id_idx";

CREATE INDEX "sessions_client_id_id_idx" ON "sessions"("client_id", "id");
