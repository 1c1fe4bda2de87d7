// `npm start`: everything from a fresh clone to a running server, in this process, so that signals reach the server.
import { prepare } from './prepare.mjs';

if (process.argv.length > 2) {
  process.stderr.write(
    'npm start takes no options. Settings are environment variables: PORT=4000 npm start\n',
  );
  process.exit(2);
}
prepare();
await import('../dist/main.js');
