/** NOTIFY of a server, heard on a connection of its own that connects again for as long as it takes. */
import pg from 'pg';
import { briefly, connectTo, type Target } from './target.js';

const reconnectDelayMilliseconds = 500;

export interface ChannelListener {
  /** Called with the payload of each NOTIFY. */
  onNotify: (payload: string) => void;
  /** Called when notifications may have been lost. */
  onReset: () => void;
}

/** Returns how to stop. */
export function followChannel(
  target: Target,
  channel: string,
  { onNotify, onReset }: ChannelListener,
): () => Promise<void> {
  let client: pg.Client | undefined;
  let retry: NodeJS.Timeout | undefined;
  let stopped = false;

  const connectAgain = (): void => {
    client?.removeAllListeners();
    client?.on('error', () => undefined);
    client = undefined;
    if (!stopped) retry = setTimeout(() => void connect(), reconnectDelayMilliseconds);
  };
  const connect = async (): Promise<void> => {
    try {
      client = await connectTo(target);
      if (stopped) return void (await client.end());
      client.on('notification', ({ payload }) => onNotify(payload ?? ''));
      client.once('error', connectAgain);
      client.once('end', connectAgain);
      await briefly(client, `LISTEN ${pg.escapeIdentifier(channel)}`);
      onReset();
    } catch {
      if (client) await client.end().catch(() => undefined);
      else connectAgain();
    }
  };
  void connect();
  return async () => {
    stopped = true;
    clearTimeout(retry);
    await client?.end().catch(() => undefined);
  };
}
