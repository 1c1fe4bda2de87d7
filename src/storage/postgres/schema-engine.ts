/**
 * Prisma's schema engine as WebAssembly, so that migrations need no downloaded binary.
 * The package's own entry relies on importing `.wasm` as a module, which Node.js does not do yet: it is instantiated here.
 */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import {
  bindMigrationAwareSqlAdapterFactory,
  type SqlMigrationAwareDriverAdapterFactory,
} from '@prisma/driver-adapter-utils';
import type { SchemaEngine } from '@prisma/schema-engine-wasm';

const require = createRequire(import.meta.url);

type WasmExports = { __wbindgen_start(): void };

/** The one function used of it: its types come with the DOM library, which a server does without. */
declare const WebAssembly: {
  instantiate(
    binary: Uint8Array,
    imports: Record<string, unknown>,
  ): Promise<{ instance: { exports: WasmExports } }>;
};

interface Glue {
  SchemaEngine: typeof SchemaEngine;
  __wbg_set_wasm(exports: WasmExports): void;
}

let engine: Promise<Glue> | undefined;

async function instantiate(): Promise<Glue> {
  const gluePath = require.resolve('@prisma/schema-engine-wasm/schema_engine_bg');
  const glue = (await import(gluePath)) as Glue;
  const binary = await readFile(gluePath.replace(/\.js$/, '.wasm'));
  Object.assign(globalThis, {
    PRISMA_WASM_PANIC_REGISTRY: {
      set_message(message: string) {
        throw new Error(`schema engine: ${message}`);
      },
    },
  });
  const { instance } = await WebAssembly.instantiate(new Uint8Array(binary), {
    './schema_engine_bg.js': { ...glue, ...timersThatEnd(glue) },
  });
  glue.__wbg_set_wasm(instance.exports);
  instance.exports.__wbindgen_start();
  return glue;
}

/** The engine limits its wait for a lock by a timer of ten seconds and forgets it: that must not keep the process alive. */
function timersThatEnd(glue: Glue): Record<string, unknown> {
  const names = Object.keys(glue).filter((name) => name.startsWith('__wbg_setTimeout_'));
  const unreferenced = (callback: () => void, milliseconds: number) =>
    setTimeout(callback, milliseconds).unref();
  return Object.fromEntries(names.map((name) => [name, unreferenced]));
}

/** A schema engine over the given adapter. `datamodels` are the Prisma schema files it should know. */
export async function openSchemaEngine(
  factory: SqlMigrationAwareDriverAdapterFactory,
  datamodels?: [string, string][],
): Promise<SchemaEngine> {
  engine ??= instantiate();
  const { SchemaEngine } = await engine;
  return SchemaEngine.new({ datamodels }, () => undefined, bindMigrationAwareSqlAdapterFactory(factory));
}
