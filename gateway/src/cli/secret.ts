/** `sallyport secret put|rotate|list|remove|rewrap`: secrets at rest. Values come from stdin and are never printed. */

import { setTimeout as pause } from 'node:timers/promises';
import { Command } from 'commander';
import type { Configuration } from '../config/schema/index.ts';
import { suggestion } from '../config/suggest.ts';
import { shownInLine } from '../protocol/shown.ts';
import { openInUse } from '../secrets/in-use.ts';
import { openAccountStore, openSecretStore } from '../secrets/source.ts';
import { type SecretStore, secretName } from '../secrets/store.ts';
import { isTold } from './announce.ts';
import {
  type CommonOptions,
  type Context,
  configOption,
  fail,
  jsonOption,
  loadOrComplain,
  outJson,
  withConfiguration,
} from './context.ts';
import { exitCodes } from './exit-codes.ts';
import { readValue } from './stdin.ts';

/** How long a rotation waits for a running gateway, in milliseconds. */
const stdinTimeoutMs = 10_000;

export function secretCommand(context: Context): Command {
  return new Command('secret')
    .summary('manage stored secrets')
    .description('Secrets for ${secret:name}, encrypted at rest. Values are read from stdin and never printed.')
    .addCommand(putCommand(context))
    .addCommand(rotateCommand(context))
    .addCommand(listCommand(context))
    .addCommand(removeCommand(context))
    .addCommand(rewrapCommand(context));
}

function putCommand(context: Context): Command {
  return new Command('put')
    .summary('store a new secret')
    .description('Stores a new secret, read from stdin; one trailing newline is cut off.')
    .argument('<name>', 'name of the secret, for references: ${secret:<name>}')
    .option(...configOption)
    .option(...jsonOption)
    .addHelpText('after', '\nExample:\n  pass show projects | sallyport secret put projects-token')
    .action((name: string, options: CommonOptions) =>
      withStore(context, options, async ({ store, configuration }) => {
        if (!secretName.test(name))
          return fail(context, options, {
            code: exitCodes.usage,
            problem: `"${name}" is no name of a secret`,
            remedy: 'Use A-Z a-z 0-9 . _ -',
          });
        if (store.has(name)) return taken(context, options, name);
        const value = await readValue('sallyport secret put <name> < file');
        if (typeof value !== 'string')
          return fail(context, options, { code: exitCodes.usage, problem: value.problem, remedy: value.remedy });
        if (!(await store.add(name, value, Date.now()))) return taken(context, options, name);
        if (!isTold(context, { ...options, data: configuration.data, topic: 'secrets' })) return;
        if (options.json === true) outJson(context, { ok: true, name });
        else context.out(`${name} is kept. Refer to it as \${secret:${name}}.`);
      }),
    );
}

function rotateCommand(context: Context): Command {
  return new Command('rotate')
    .summary('replace the value of a secret')
    .description(
      'Replaces a secret by a value from stdin, waits until a running gateway uses it, and probes the servers that need it.',
    )
    .argument('<name>', 'the secret')
    .option('--no-probe', 'do not probe the servers')
    .option(...configOption)
    .option(...jsonOption)
    .addHelpText(
      'after',
      '\nEnds with 1 when a probe fails.\n\nExample:\n  pass show projects | sallyport secret rotate projects-token',
    )
    .action((name: string, options: CommonOptions & { readonly probe: boolean }) =>
      withStore(context, options, async ({ store, configuration }) => {
        if (!store.has(name)) return missing(context, options, store, name);
        const value = await readValue('sallyport secret put <name> < file');
        if (typeof value !== 'string')
          return fail(context, options, { code: exitCodes.usage, problem: value.problem, remedy: value.remedy });
        const inUse = openInUse(configuration.data);
        const used = inUse.editionsOf(name).length > 0;
        await store.put(name, value, Date.now());
        if (!isTold(context, { ...options, data: configuration.data, topic: 'secrets' })) return;
        const edition = store.edition(name);
        const deadline = Date.now() + stdinTimeoutMs;
        const isTaken = (): boolean => !used || inUse.editionsOf(name).every((each) => each === edition);
        while (!isTaken() && Date.now() < deadline) await pause(20);
        const inForce = isTaken();
        inUse.close();
        const probes = options.probe ? await probeUsers(context, options, name) : [];
        const failed = probes.filter(({ ok }) => !ok).map((each) => each.server);
        if (options.json === true)
          outJson(context, { ok: inForce && failed.length === 0, name, inForce: used && inForce, probes });
        else {
          if (inForce) context.out(`${name} is rotated${used ? ' and in force' : ''}`);
          for (const { server, ok, detail } of probes)
            context.out(`  ${ok ? 'ok    ' : 'FAILED'}  ${server}  ${shownInLine(detail)}`);
        }
        if (!inForce)
          context.err(`sallyport: ${name} is rotated, but the running gateway has not taken it over\n    See its log.`);
        if (!inForce || failed.length > 0) context.exit(exitCodes.no);
      }),
    );
}

function listCommand(context: Context): Command {
  return new Command('list')
    .summary('list secrets')
    .description('Lists the names of the secrets, and when each was rotated. Values are never shown.')
    .option(...configOption)
    .option(...jsonOption)
    .addHelpText('after', '\nExample:\n  sallyport secret list')
    .action((options: CommonOptions) =>
      withStore(context, options, async ({ store }) => {
        const rows = store.list().map((each) =>
          'damaged' in each
            ? each
            : {
                name: each.name,
                provider: each.provider,
                created: new Date(each.createdAt).toISOString(),
                rotated: new Date(each.rotatedAt).toISOString(),
              },
        );
        if (options.json === true) return outJson(context, { ok: true, secrets: rows });
        if (rows.length === 0) context.out('There are no secrets. `sallyport secret put` keeps one.');
        for (const row of rows)
          context.out(
            'damaged' in row
              ? `${row.name}  DAMAGED  ${row.damaged}; sallyport secret rotate ${row.name} replaces it`
              : `${row.name}  ${row.provider}  rotated ${row.rotated}`,
          );
      }),
    );
}

function removeCommand(context: Context): Command {
  return new Command('remove')
    .summary('remove a secret')
    .description('Removes a secret. A configuration that refers to it will not load any more.')
    .argument('<name>', 'the secret')
    .option(...configOption)
    .option(...jsonOption)
    .addHelpText('after', '\nExample:\n  sallyport secret remove projects-token')
    .action((name: string, options: CommonOptions) =>
      withStore(context, options, async ({ store, configuration }) => {
        if (!store.remove(name)) return missing(context, options, store, name);
        if (!isTold(context, { ...options, data: configuration.data, topic: 'secrets' })) return;
        if (options.json === true) outJson(context, { ok: true, name });
        else context.out(`${name} is removed`);
      }),
    );
}

function rewrapCommand(context: Context): Command {
  return new Command('rewrap')
    .summary('wrap all data keys anew')
    .description('Wraps the data key of every secret anew, after the key of the provider was rotated. Values stay.')
    .option('--from-local', 'they were wrapped by the local key file so far')
    .option(...configOption)
    .option(...jsonOption)
    .addHelpText('after', '\nExample:\n  sallyport secret rewrap --from-local')
    .action((options: CommonOptions & { readonly fromLocal?: boolean }) =>
      withStore(context, options, async ({ store, configuration }) => {
        const { openMasterKey } = await import('../secrets/master-key.ts');
        const { localProvider } = await import('../secrets/providers/local/local.ts');
        const key = options.fromLocal === true ? openMasterKey(configuration.data) : undefined;
        if (key?.ok === false)
          return fail(context, options, { code: exitCodes.data, problem: key.problem, remedy: key.remedy });
        const from = key === undefined ? undefined : localProvider(key.key);
        const secrets = await store.rewrap(from);
        const others = await openAccountStore(configuration.secrets, configuration.data).rewrap(from);
        if (!isTold(context, { ...options, data: configuration.data, topic: 'secrets' })) return;
        const failed = [...secrets.failed, ...others.failed];
        const [count, accounts] = [secrets.count, others.count];
        if (options.json === true) outJson(context, { ok: failed.length === 0, count, accounts, failed });
        else
          context.out(
            `${count} secrets ${accounts === 0 ? '' : `and ${accounts} accounts and registrations `}are wrapped anew`,
          );
        if (failed.length === 0) return;
        for (const { name, damaged } of failed)
          context.err(`sallyport: ${name} stays as it was: ${damaged}\n    Restore it from a backup, or rotate it.`);
        context.exit(exitCodes.data);
      }),
    );
}

interface Desk {
  readonly store: SecretStore;
  readonly configuration: Configuration;
}

function withStore(context: Context, options: CommonOptions, work: (desk: Desk) => Promise<void>): Promise<void> {
  return withConfiguration(context, { ...options, load: { secrets: 'managers' } }, async (configuration) => {
    try {
      await work({ store: openSecretStore(configuration.secrets, configuration.data), configuration });
    } catch (error) {
      fail(context, options, {
        code: exitCodes.data,
        problem: `the secrets cannot be used: ${(error as Error).message}`,
      });
    }
  });
}

function taken(context: Context, options: CommonOptions, name: string): void {
  const remedy = `To replace it: sallyport secret rotate ${name}`;
  fail(context, options, { code: exitCodes.no, problem: `there is a secret ${name}`, remedy: remedy });
}

function missing(context: Context, options: CommonOptions, store: SecretStore, name: string): void {
  const known = store.list().map((each) => each.name);
  fail(context, options, {
    code: exitCodes.no,
    problem: `there is no secret ${name}`,
    remedy: suggestion(name, known, 'secret'),
  });
}

/** Does each server that needs the secret accept it? */
async function probeUsers(context: Context, options: CommonOptions, name: string) {
  const written = await loadOrComplain(context, options, { secrets: 'leave' });
  const resolved = await loadOrComplain(context, options, { secrets: 'resolve' });
  if (written === undefined || resolved === undefined) return [];
  const { probeServer } = await import('../upstreams/probe.ts');
  const { servers, bounds, egress } = resolved.revision.configuration;
  const results: { server: string; ok: boolean; detail: string }[] = [];
  for (const [server, config] of Object.entries(written.revision.configuration.servers)) {
    const usable = servers[server];
    if (usable === undefined || !JSON.stringify(config).includes(`\${secret:${name}}`)) continue;
    const steps = await probeServer(server, usable, { bounds, egress: egress.allow, judge: () => [] });
    const bad = steps.find(({ ok }) => !ok);
    results.push({ server, ok: bad === undefined, detail: bad?.detail ?? 'accepts it' });
  }
  return results;
}
