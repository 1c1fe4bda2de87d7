import { withDatabase } from '../../support/seed.js';
import type { World } from './world.js';

export interface Lineage {
  sessions: { generation: number; revokedAt: Date | null }[];
  generations: number;
}

/** What the database holds in the end. The server stops for it. */
export async function lineageOf(world: World): Promise<Lineage> {
  await world.server.stop();
  return withDatabase(world.server.settings, async ({ prisma }) => ({
    sessions: await prisma.session.findMany({ select: { generation: true, revokedAt: true } }),
    generations: await prisma.refreshToken.count(),
  }));
}
