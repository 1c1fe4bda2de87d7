import { withDatabase } from '../../support/seed.js';
import type { World } from './world.js';

export interface Lineage {
  sessions: { generation: number; revokedAt: Date | null }[];
  /** Whether the kept generations follow each other up to the current one. The server sweeps the oldest of a long lineage. */
  unbroken: boolean;
}

/** What the database holds in the end, for a world of one user. The server stops for it. */
export async function lineageOf(world: World): Promise<Lineage> {
  await world.server.stop();
  return withDatabase(world.server.settings, async ({ prisma }) => {
    const sessions = await prisma.session.findMany({ select: { generation: true, revokedAt: true } });
    const kept = await prisma.refreshToken.findMany({ orderBy: { generation: 'desc' } });
    const current = sessions[0]?.generation ?? 0;
    return { sessions, unbroken: kept.every(({ generation }, index) => generation === current - index) };
  });
}
