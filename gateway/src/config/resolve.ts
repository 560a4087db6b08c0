/** From what the file says to what the gateway uses: secrets put in, paths absolute. */
import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { IssuerConfig } from '../stages/authenticate/jwt/options.ts';
import type { Diagnostic, Place } from './diagnostic.ts';
import type { Path } from './located.ts';
import { type Environment, type Managed, resolveReferences } from './references.ts';
import type { Configuration } from './schema/index.ts';
import type { HttpServerConfig, ServerConfig, StdioServerConfig } from './schema/servers.ts';
import { isLiteralSecret, secretInWord, secretsInUrl } from './secret-shapes.ts';

export interface ResolveContext {
  readonly folder: string;
  /** `undefined`: references are left as they are. */
  readonly env: Environment | undefined;
  /** What references to files and secret managers led to. */
  readonly read?: ReadonlyMap<string, Managed>;
  place(path: Path, offset?: number): Place;
}

export interface ResolveResult {
  readonly configuration: Configuration;
  readonly secretFiles: readonly string[];
  readonly diagnostics: readonly Diagnostic[];
}

export function resolveConfiguration(configuration: Configuration, context: ResolveContext): ResolveResult {
  const secretFiles = new Set<string>();
  const diagnostics: Diagnostic[] = [];

  /** `secrets` takes what the references stood for. */
  const text = (
    value: string,
    path: Path,
    secrets?: Set<string>,
    spell: (value: string) => string = (same) => same,
  ): string => {
    if (context.env === undefined) return value;
    const resolved = resolveReferences(value, { env: context.env, read: context.read, spell });
    if (resolved.ok) {
      for (const file of resolved.files) secretFiles.add(file);
      for (const secret of resolved.secrets) secrets?.add(secret);
      return resolved.value;
    }
    const { offset, problem, remedy } = resolved;
    diagnostics.push({ code: 'CFG030', place: context.place(path, offset), problem, remedy });
    return '';
  };
  /** A key that only the gateway may have, so not in a file that other users can read. */
  const key = (value: string, path: Path): string => {
    if (context.env === undefined) return value;
    const resolved = resolveReferences(value, { env: context.env, read: context.read });
    const open = resolved.ok && process.platform !== 'win32' ? resolved.files.find(isReadableByOthers) : undefined;
    if (open === undefined) return text(value, path);
    diagnostics.push({
      code: 'CFG030',
      place: context.place(path),
      problem: `others can read ${open}`,
      remedy: `Run: chmod 600 ${open}`,
    });
    return '';
  };
  /** Every text below a path, where texts are names and references and nothing else. */
  const deep = <Value>(value: Value, path: Path): Value => {
    if (typeof value === 'string') return text(value, path) as Value;
    if (Array.isArray(value)) return value.map((item: unknown, index) => deep(item, [...path, index])) as Value;
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, member]: [string, unknown]) => [key, deep(member, [...path, key])]),
    ) as Value;
  };
  const literal = (path: Path, problem: string, remedy: string): void => {
    diagnostics.push({ code: 'CFG031', place: context.place(path), problem, remedy });
  };
  const texts = (
    values: Readonly<Record<string, string>>,
    kind: 'header' | 'variable',
    path: Path,
    secrets?: Set<string>,
  ) =>
    Object.fromEntries(
      Object.entries(values).map(([name, value]) => {
        if (isLiteralSecret(kind, name, value))
          literal(
            [...path, name],
            `${name} looks like a secret and stands in the file`,
            `Write a reference such as \${env:${name.toUpperCase().replaceAll('-', '_')}} instead.`,
          );
        return [name, text(value, [...path, name], secrets)];
      }),
    );
  const http = (server: HttpServerConfig, path: Path): ServerConfig => {
    for (const name of secretsInUrl(server.url))
      literal(
        [...path, 'url'],
        name === 'user' ? 'the URL holds a user name or password' : `${name} in the URL looks like a secret`,
        name === 'user'
          ? 'Remove it and use "credential" or "headers" with a reference.'
          : 'Write a reference in its place, such as ${secret:name}.',
      );
    const secrets = new Set<string>();
    const headers = texts(server.headers, 'header', [...path, 'headers'], secrets);
    const credentials = deep(server.credentials, [...path, 'credentials']);
    const tls = deep(server.tls, [...path, 'tls']);
    const url = text(server.url, [...path, 'url'], secrets, encodeURIComponent);
    const secured = { ...server, url, headerSecrets: [...secrets], ...(tls === undefined ? {} : { tls }) };
    if (server.credential === undefined) return { ...secured, headers, credentials };
    return { ...secured, headers, credentials, credential: deep(server.credential, [...path, 'credential']) };
  };
  const stdio = (server: StdioServerConfig, path: Path): ServerConfig => {
    for (const [index, word] of server.command.entries()) {
      const found = index === 0 ? undefined : secretInWord(word, server.command[index - 1]);
      const inUrl = /^https?:/.test(word) ? secretsInUrl(word) : [];
      if (found !== undefined || inUrl.length > 0)
        literal(
          [...path, 'command', index],
          `${found?.name || inUrl[0] || 'a word of the command'} looks like a secret and stands in the file`,
          'Write a reference in its place, such as ${secret:name}. Better in env, as others see the words of a command.',
        );
    }
    const [program = '', ...rest] = server.command.map((word, index) => text(word, [...path, 'command', index]));
    // A bare name is looked up in PATH; anything with a slash is a path.
    const located = program.includes('/') ? resolve(context.folder, program) : program;
    const cwd = resolve(context.folder, server.cwd ?? '.');
    return { ...server, command: [located, ...rest], cwd, env: texts(server.env, 'variable', [...path, 'env']) };
  };

  const servers = Object.fromEntries(
    Object.entries(configuration.servers).map(([name, server]) => {
      const path = ['servers', name];
      return [name, 'url' in server ? http(server, path) : stdio(server, path)];
    }),
  );
  const issuers = Object.fromEntries(
    Object.entries(configuration.authentication.issuers).map(([name, issuer]): [string, IssuerConfig] => {
      const { introspection, keys } = issuer;
      const at = ['authentication', 'issuers', name, 'introspection', 'clientSecret'];
      return [
        name,
        {
          ...issuer,
          ...(typeof keys === 'object' && 'file' in keys ? { keys: { file: resolve(context.folder, keys.file) } } : {}),
          ...(introspection === undefined
            ? {}
            : { introspection: { ...introspection, clientSecret: text(introspection.clientSecret, at) } }),
        },
      ];
    }),
  );
  const authentication = { ...configuration.authentication, issuers };
  const data = resolve(context.folder, configuration.data);
  const secrets = deep(configuration.secrets, ['secrets']);
  const channels = deep(configuration.channels, ['channels']);
  const { tls } = configuration.listen.mcp;
  const { tls: adminTls } = configuration.listen.admin;
  const file = (path: string) => resolve(context.folder, path);
  const admin =
    adminTls === undefined
      ? configuration.listen.admin
      : {
          ...configuration.listen.admin,
          tls: { ...adminTls, certificate: file(adminTls.certificate), key: file(adminTls.key) },
        };
  const listen =
    tls === undefined
      ? { ...configuration.listen, admin }
      : {
          ...configuration.listen,
          admin,
          mcp: {
            ...configuration.listen.mcp,
            tls: {
              ...tls,
              certificate: file(tls.certificate),
              key: file(tls.key),
              ...(tls.clients === undefined
                ? {}
                : {
                    clients: {
                      ...tls.clients,
                      authorities: file(tls.clients.authorities),
                      ...(tls.clients.revoked === undefined ? {} : { revoked: file(tls.clients.revoked) }),
                    },
                  }),
            },
          },
        };
  const { signing, master } = configuration.audit.keys;
  const audit = {
    ...configuration.audit,
    keys: {
      ...(signing === undefined ? {} : { signing: key(signing, ['audit', 'keys', 'signing']) }),
      ...(master === undefined ? {} : { master: key(master, ['audit', 'keys', 'master']) }),
    },
    anchors: {
      ...configuration.audit.anchors,
      files: configuration.audit.anchors.files.map((file) => resolve(context.folder, file)),
    },
  };
  const { database } = configuration.countries;
  const countries = database === undefined ? {} : { database: file(database) };
  return {
    configuration: { ...configuration, data, listen, secrets, authentication, servers, audit, channels, countries },
    secretFiles: [...secretFiles],
    diagnostics,
  };
}

function isReadableByOthers(path: string): boolean {
  // One that is gone opens nothing; its last good value stays in force.
  return ((statSync(path, { throwIfNoEntry: false })?.mode ?? 0) & 0o077) !== 0;
}
