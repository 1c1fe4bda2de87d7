-- A client's sessions are walked by id, a page at a time. The new index first: one that is dropped locks out readers until the commit.
CREATE INDEX "sessions_client_id_id_idx" ON "sessions"("client_id", "id");

DROP INDEX "sessions_client_id_idx";
