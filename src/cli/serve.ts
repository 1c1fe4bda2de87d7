import type { Command } from './command.js';

export const serve: Command = {
  name: 'serve',
  summary: 'Run the server, until it is told to stop (SIGTERM, SIGINT)',
  arguments: [],
  options: {},
  run: async () => {
    // The process file itself: it reads the settings and handles the signals.
    await import('../main.js');
    return { result: {}, text: '', keepsRunning: true };
  },
};
