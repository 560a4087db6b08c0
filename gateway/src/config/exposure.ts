/**
 * Refuses a stdio server that is handed what belongs to the gateway: a folder with its keys and records, or with the file
 * that says who may do what. Its agents could read the one and change the other, whatever the rules say.
 */
import { realpathSync } from 'node:fs';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Diagnostic, Place } from './diagnostic.ts';
import type { Path } from './located.ts';
import type { Configuration } from './schema/index.ts';
import type { StdioServerConfig } from './schema/servers.ts';

export interface ExposureContext {
  /** Absolute paths of the files of the configuration. */
  readonly files: readonly string[];
  /** Absolute paths of the files that references to secrets name. */
  readonly secretFiles: readonly string[];
  /** Which servers say their working folder themselves. */
  readonly written: Configuration;
  readonly place: (path: Path) => Place;
}

interface Owned {
  readonly path: string;
  readonly what: string;
  /** What is within it belongs to the gateway as well. */
  readonly folder: boolean;
}

/** `configuration` is resolved: its paths are absolute. */
export function checkExposure(configuration: Configuration, context: ExposureContext): readonly Diagnostic[] {
  const keys = [configuration.listen.mcp.tls, configuration.listen.admin.tls].flatMap((tls) => tls?.key ?? []);
  const owned: readonly Owned[] = [
    { path: configuration.data, what: 'the data folder, with the keys of the gateway', folder: true },
    ...context.files.map((path) => ({ path, what: 'the configuration', folder: false })),
    ...context.secretFiles.map((path) => ({ path, what: 'a file with a secret', folder: false })),
    ...keys.map((path) => ({ path, what: 'the private key of the gateway', folder: false })),
  ].map((each) => ({ ...each, path: realPath(each.path) }));
  return Object.entries(configuration.servers).flatMap(([name, server]) =>
    'url' in server ? [] : exposedBy(name, server, owned, context),
  );
}

function exposedBy(
  name: string,
  server: StdioServerConfig,
  owned: readonly Owned[],
  { written, place }: ExposureContext,
): Diagnostic[] {
  const cwd = server.cwd ?? '.';
  const said = written.servers[name];
  const found: { readonly path: Path; readonly word: string; readonly how: string }[] = [
    // The default, the folder of the configuration, is only where the process starts; a folder that is named is handed over.
    ...(said !== undefined && 'command' in said && said.cwd !== undefined
      ? [{ path: ['cwd'], word: cwd, how: 'its working folder' }]
      : []),
    ...server.command
      .slice(1)
      .map((word, index) => ({ path: ['command', index + 1], word, how: `argument ${index + 1}` })),
    ...Object.entries(server.env)
      .filter(([variable, value]) => !general.has(variable) && (value.includes('/') || /^\.{1,2}$/.test(value)))
      .map(([variable, word]) => ({ path: ['env', variable], word, how: `the variable ${variable}` })),
  ];
  return found.flatMap(({ path, word, how }): Diagnostic[] => {
    const hit = pathsIn(word, cwd).flatMap((each) => owned.filter((one) => meets(each, one)))[0];
    if (hit === undefined) return [];
    return [
      {
        code: 'CFG044',
        place: place(['servers', name, ...path]),
        problem: `${how} gives the server ${name} ${hit.path}, which is ${hit.what}`,
        remedy: 'Give it a folder of its own beside them, or keep "data" and the configuration elsewhere.',
      },
    ];
  });
}

/** The path is the one that is owned, leads to a folder around it, or into it. */
function meets(path: string, { path: own, folder }: Owned): boolean {
  return isWithin(own, path) || (folder && isWithin(path, own));
}

function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : `${folder}${sep}`);
}

/** Variables that say where a process lives, and hand nothing over. */
const general = new Set(['HOME', 'PATH', 'PWD', 'SHELL', 'TMPDIR']);

/** Longer than any path that a system takes. */
const maxPathLength = 4_096;

/** What a word could mean as a path: all of it, what follows a `=` in an option, the parts of a list. */
function pathsIn(word: string, cwd: string): string[] {
  if (word.length > maxPathLength || word.includes('\0')) return [];
  const parts = /^[a-z][a-z0-9+.-]*:\/\//i.test(word) ? [] : word.split(/[=,;:]/);
  const texts = new Set([fromUrl(word), ...parts.map(fromUrl)]);
  texts.delete('');
  return [...texts].map((text) => realPath(resolve(cwd, text)));
}

function fromUrl(word: string): string {
  if (!/^file:\/\//i.test(word)) return word;
  try {
    return fileURLToPath(word);
  } catch {
    // Of another machine, so no path of this one.
    return '';
  }
}

/** Links followed as far as the path exists. */
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    // It does not exist yet, or may not be looked at: the folder above it says where it leads.
    const above = dirname(path);
    return above === path ? path : join(realPath(above), basename(path));
  }
}
