-- CreateTable
CREATE TABLE "known_networks" (
    "user_id" UUID NOT NULL,
    "network" BYTEA NOT NULL,
    "last_login_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "known_networks_pkey" PRIMARY KEY ("user_id","network")
);

-- CreateIndex
CREATE INDEX "known_networks_last_login_at_idx" ON "known_networks"("last_login_at");

-- AddForeignKey
ALTER TABLE "known_networks" ADD CONSTRAINT "known_networks_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "users"("id") ON DELETE CASCADE ON UPDATE CASCADE;
