/**
 * What the files of a configuration say, checked as far as no secret is needed: plain data, so that a running gateway
 * can have it from a thread of its own.
 */

import { join } from 'node:path';
import { checkCosts } from './costs.ts';
import type { Diagnostic, Place } from './diagnostic.ts';
import { checkShape } from './issues.ts';
import type { LocatedMap, Path } from './located.ts';
import { lockFileName, type ReadLock, readLock } from './lock-file.ts';
import { checkNames } from './names.ts';
import { checkPeers } from './peers.ts';
import { checkPlainHttp } from './plain-http.ts';
import { referencesIn } from './references.ts';
import { digestOf, placeIn } from './revision.ts';
import type { Configuration } from './schema/index.ts';
import { readSource } from './source.ts';

export interface Written {
  /** With its defaults; references as they are written. */
  readonly configuration: Configuration;
  readonly digest: string;
  readonly root: LocatedMap;
  /** Absolute. */
  readonly files: readonly string[];
  /** Absolute; where relative paths of the configuration begin. */
  readonly folder: string;
  /** What is wrong with names. The other complaints of a loaded configuration join them. */
  readonly complaints: readonly Diagnostic[];
  /** What the lock file of the pins says; absent where no pins ask for it. */
  readonly lock?: ReadLock & { readonly path: string };
  /** Every reference to a secret, once each: all of them, and those that servers and issuers use. */
  readonly references: { readonly all: readonly string[]; readonly late: readonly string[] };
}

export type WrittenResult =
  | ({ readonly ok: true } & Written)
  | { readonly ok: false; readonly diagnostics: readonly Diagnostic[] };

export async function readWritten(path: string): Promise<WrittenResult> {
  const source = await readSource(path);
  if (!source.ok) return source;
  const { root, folder, files } = source;
  const shape = checkShape(root);
  if (!shape.ok) return shape;
  const configuration = shape.value;
  const { servers, authentication } = configuration;
  const place = (at: Path): Place => placeIn(root, at, 0);
  return {
    ok: true,
    configuration,
    digest: digestOf(configuration),
    root,
    files,
    folder,
    complaints: [
      ...checkNames(configuration, place),
      ...checkCosts(configuration, place),
      ...checkPeers(configuration, place),
      ...checkPlainHttp(configuration, place, Date.now()),
    ],
    ...lockOfPins(configuration, folder),
    references: { all: referencesIn(configuration), late: referencesIn([servers, authentication]) },
  };
}

function lockOfPins({ pins, servers }: Configuration, folder: string): Pick<Written, 'lock'> {
  const isAsked = pins.mode === 'lock' || Object.values(servers).some((server) => server.pins?.mode === 'lock');
  if (!isAsked) return {};
  const path = join(folder, lockFileName);
  return { lock: { ...readLock(path), path } };
}
