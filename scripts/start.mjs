// `npm start`: everything from a fresh clone to a running server, in this process, so that signals reach the server.
import { prepare } from './prepare.mjs';

prepare();
await import('../dist/main.js');
