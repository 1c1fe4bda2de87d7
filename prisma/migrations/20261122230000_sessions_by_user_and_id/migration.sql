-- A user's are, too.
CREATE INDEX "sessions_user_id_id_idx" ON "sessions"("user_id", "id");

DROP INDEX "sessions_user_id_idx";
