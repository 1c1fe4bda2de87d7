/** What both servers are asked for, and what keyturn's rate is to be of the reference's. */
import type { Worker } from './load.js';
import { type Bench, logIn, loginRequest } from './setup.js';
import {
  clientCredentialsRequest,
  jwksRequest,
  ReferenceChain,
  RefreshChain,
  repeat,
  times,
} from './workers.js';

export type Sides<T> = Record<'reference' | 'keyturn', T>;

export interface Workload {
  name: string;
  aim: number;
  /** What bounds it. */
  bound: string;
  /** How many times the usual time each step takes: in it, what is slow would come too seldom to be compiled, or counted. */
  pace: number;
  workers(bench: Bench): Promise<Sides<Worker[]>>;
}

const connections = 16;
/** Argon2 takes 19 MiB each. */
const logins = 8;

export const workloads: Record<string, Workload> = {
  refresh: {
    name: 'refresh',
    aim: 0.75,
    bound: 'PostgreSQL and the driver',
    pace: 1,
    workers: async (bench) => {
      const sessions = () => Promise.all(Array.from({ length: connections }, () => logIn(bench)));
      return {
        reference: (await sessions()).map((login) => new ReferenceChain(login)),
        keyturn: (await sessions()).map((login) => new RefreshChain(login, bench.app)),
      };
    },
  },
  client_credentials: {
    name: 'client_credentials',
    aim: 0.8,
    bound: 'one ES256 signature and HTTP',
    pace: 1,
    workers: async ({ service }) => {
      const request = clientCredentialsRequest(service);
      return {
        reference: times(connections, repeat({ ...request, path: '/sign' })),
        keyturn: times(connections, repeat(request)),
      };
    },
  },
  jwks: {
    name: 'JWKS',
    aim: 0.9,
    bound: 'HTTP',
    pace: 1,
    workers: async () => ({
      reference: times(connections, repeat({ ...jwksRequest, path: '/constant' })),
      keyturn: times(connections, repeat(jwksRequest)),
    }),
  },
  login: {
    name: 'login',
    aim: 0.9,
    bound: 'argon2',
    pace: 3,
    workers: async (bench) => {
      const request = loginRequest(bench);
      return {
        reference: times(logins, repeat({ ...request, path: '/login' })),
        keyturn: times(logins, repeat(request)),
      };
    },
  },
};
