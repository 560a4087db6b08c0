/** `sallyport key create|list|revoke`: API keys, beside a running gateway or without one. */
import { Command } from 'commander';
import type { Configuration } from '../config/schema/index.ts';
import { suggestion } from '../config/suggest.ts';
import { callerKey } from '../pipeline/contracts/caller.ts';
import { isNetwork } from '../protocol/networks.ts';
import { type KeyAdmin, openKeyAdmin } from '../stages/authenticate/api-key/open.ts';
import { reminderOf } from '../stages/authenticate/api-key/reminders.ts';
import type { StoredKey } from '../stores/contract/keys.ts';
import { findCaller } from './callers.ts';
import {
  type CommonOptions,
  type Context,
  configOption,
  fail,
  jsonOption,
  outJson,
  withConfiguration,
} from './context.ts';
import { parseDuration } from './duration.ts';
import { exitCodes } from './exit-codes.ts';

export function keyCommand(context: Context): Command {
  return new Command('key')
    .summary('create, list and revoke API keys')
    .description('API keys. A running gateway takes a new or revoked key over within a second.')
    .addCommand(createCommand(context))
    .addCommand(rotateCommand(context))
    .addCommand(listCommand(context))
    .addCommand(revokeCommand(context));
}

interface CreateOptions extends CommonOptions {
  readonly user?: string;
  readonly agent?: string;
  readonly application?: string;
  readonly name?: string;
  readonly network?: readonly string[];
  readonly expires?: string;
  readonly quiet?: boolean;
}

function createCommand(context: Context): Command {
  return new Command('create')
    .summary('make a key')
    .description(
      'Makes a key for a caller that the configuration names. The key is shown once and cannot be read again.',
    )
    .option('--agent <name>', 'the agent it stands for')
    .option('--user <name>', 'the user it stands for')
    .option('--application <name>', 'the application it stands for')
    .option('--name <text>', 'a note, such as where it is used')
    .option('--expires <duration>', 'how long it is valid, such as 12h or 30d (default: until it is revoked)')
    .option(
      '--network <network>',
      'where it may be used from, such as 10.0.0.0/8; may be repeated (default: everywhere)',
      (network: string, before: readonly string[] | undefined) => [...(before ?? []), network],
    )
    .option('--quiet', 'print only the key')
    .option(...configOption)
    .option(...jsonOption)
    .addHelpText('after', '\nExample:\n  sallyport key create --agent demo --expires 30d --name "laptop of dana"')
    .action(async (options: CreateOptions) => {
      const { user, agent, application, name } = options;
      const lifetime = options.expires === undefined ? undefined : parseDuration(options.expires);
      if (options.expires !== undefined && lifetime === undefined)
        return fail(context, options, {
          code: exitCodes.usage,
          problem: '--expires cannot be read',
          remedy: 'Write it as 12h, 30d or 90d.',
        });
      const wrong = options.network?.find((network) => !isNetwork(network));
      if (wrong !== undefined)
        return fail(context, options, {
          code: exitCodes.usage,
          problem: `"${wrong}" is no network`,
          remedy: 'Write it as 10.0.0.0/8, 2001:db8::/32 or 192.0.2.7.',
        });
      const networks = options.network;
      if ((user ?? agent ?? application) === undefined)
        return fail(context, options, {
          code: exitCodes.usage,
          problem: 'no caller given',
          remedy: 'Give --agent, --user or --application, or several.',
        });
      await withDesk(context, options, ({ configuration, desk }) => {
        const found = findCaller(configuration, { user, agent, application });
        if (!found.ok)
          return fail(context, options, { code: exitCodes.no, problem: found.problem, remedy: found.remedy });
        const now = Date.now();
        const expiresAt = lifetime === undefined ? undefined : now + lifetime;
        const { text, stored } = desk.create({ user, agent, application, name, networks, expiresAt }, now);
        if (options.quiet === true) context.out(text);
        else if (options.json === true) outJson(context, { ok: true, key: text, ...shown(stored, now) });
        else {
          context.out(`${text}\n`);
          context.out(`${stored.id} for ${found.caller.key}, ${until(stored)}. It cannot be shown again.`);
        }
      });
    });
}

interface RotateOptions extends CommonOptions {
  readonly overlap: string;
  readonly expires?: string;
  readonly quiet?: boolean;
}

function rotateCommand(context: Context): Command {
  return new Command('rotate')
    .summary('replace a key')
    .description(
      'Makes a new key for the same caller. The old one works until the overlap ends, so that its clients can switch.',
    )
    .argument('<id>', 'id of the key, as `key list` shows it')
    .option('--overlap <duration>', 'how long the old key still works', '24h')
    .option('--expires <duration>', 'how long the new key is valid (default: as long as the old one was to be)')
    .option('--quiet', 'print only the new key')
    .option(...configOption)
    .option(...jsonOption)
    .addHelpText('after', '\nExample:\n  sallyport key rotate key_0A1b2C3d4E5f6 --overlap 7d')
    .action(async (id: string, options: RotateOptions) => {
      const overlap = parseDuration(options.overlap);
      const lifetime = options.expires === undefined ? undefined : parseDuration(options.expires);
      if (overlap === undefined || (options.expires !== undefined && lifetime === undefined))
        return fail(context, options, {
          code: exitCodes.usage,
          problem: 'a duration cannot be read',
          remedy: 'Write it as 12h, 30d or 90d.',
        });
      await withDesk(context, options, ({ desk }) => {
        const now = Date.now();
        const old = desk.store.list().find((each) => each.id === id);
        if (old === undefined) {
          const known = desk.store.list().map((each) => each.id);
          return fail(context, options, {
            code: exitCodes.no,
            problem: `there is no key ${id}`,
            remedy: suggestion(id, known, 'key'),
          });
        }
        if (old.revokedAt !== undefined || (old.expiresAt !== undefined && old.expiresAt <= now))
          return fail(context, options, {
            code: exitCodes.no,
            problem: `${id} is no longer valid`,
            remedy: 'Make a new one: sallyport key create',
          });
        const { user, agent, application, name, networks } = old;
        // A key that ends is replaced by one that ends at the same time: a rotation must not extend access.
        const expiresAt = lifetime === undefined ? old.expiresAt : now + lifetime;
        const { text, stored } = desk.create({ user, agent, application, name, networks, expiresAt }, now);
        const overlapEnds = Math.min(now + overlap, old.expiresAt ?? Number.POSITIVE_INFINITY);
        desk.store.expire(id, overlapEnds);
        const ends = new Date(overlapEnds).toISOString();
        if (options.quiet === true) context.out(text);
        else if (options.json === true)
          outJson(context, { ok: true, key: text, ...shown(stored, now), replaces: id, ends });
        else {
          context.out(`${text}\n`);
          context.out(`${stored.id} replaces ${id}, which works until ${ends}. The new key cannot be shown again.`);
          if (expiresAt !== undefined)
            context.out(`It ends at ${new Date(expiresAt).toISOString()}; --expires says otherwise.`);
        }
      });
    });
}

function listCommand(context: Context): Command {
  return new Command('list')
    .summary('list keys')
    .description(
      'Lists all keys, revoked and expired ones included, and marks those that are older than authentication.keys.maxAge or expire within 14 days. The keys themselves are not stored.',
    )
    .option(...configOption)
    .option(...jsonOption)
    .addHelpText('after', '\nExample:\n  sallyport key list --json')
    .action(async (options: CommonOptions) => {
      await withDesk(context, options, ({ configuration, desk }) => {
        const now = Date.now();
        const { maxAge } = configuration.authentication.keys;
        const keys = desk.store.list().map((key) => ({ ...shown(key, now), reminder: reminderOf(key, maxAge, now) }));
        if (options.json === true) outJson(context, { ok: true, keys });
        else if (keys.length === 0) context.out('There are no keys. `sallyport key create` makes one.');
        for (const key of options.json === true ? [] : keys)
          context.out(
            [key.id, key.state.padEnd(7), key.caller, `created ${key.created}`, `used ${key.lastUsed ?? 'never'}`]
              .concat(
                key.expires === undefined ? [] : `expires ${key.expires}`,
                key.networks === undefined ? [] : `from ${key.networks.join(', ')}`,
                key.name ?? [],
              )
              .concat(key.reminder === undefined ? [] : `! ${key.reminder}`)
              .join('  '),
          );
      });
    });
}

function revokeCommand(context: Context): Command {
  return new Command('revoke')
    .summary('revoke a key')
    .description('Revokes a key for good. Open streams that it began end within a second.')
    .argument('<id>', 'id of the key, as `key list` shows it')
    .option(...configOption)
    .option(...jsonOption)
    .addHelpText('after', '\nExample:\n  sallyport key revoke key_0A1b2C3d4E5f6')
    .action(async (id: string, options: CommonOptions) => {
      await withDesk(context, options, ({ desk }) => {
        const key = desk.store.list().find((each) => each.id === id);
        if (key === undefined) {
          const known = desk.store.list().map((each) => each.id);
          return fail(context, options, {
            code: exitCodes.no,
            problem: `there is no key ${id}`,
            remedy: suggestion(id, known, 'key'),
          });
        }
        const done = desk.store.revoke(id, Date.now());
        if (options.json === true) outJson(context, { ok: true, id, revoked: done });
        else context.out(done ? `${id} is revoked` : `${id} was revoked before`);
      });
    });
}

interface Desk {
  readonly configuration: Configuration;
  readonly desk: KeyAdmin;
}

function withDesk(context: Context, options: CommonOptions, work: (desk: Desk) => void): Promise<void> {
  return withConfiguration(context, options, (configuration) => {
    const opened = openKeyAdmin(configuration.data);
    if (!opened.ok)
      return fail(context, options, { code: exitCodes.data, problem: opened.problem, remedy: opened.remedy });
    try {
      work({ configuration, desk: opened.value });
    } finally {
      opened.value.store.close();
    }
  });
}

function time(at: number | undefined): string | undefined {
  return at === undefined ? undefined : new Date(at).toISOString();
}

function shown(key: StoredKey, now: number) {
  const { id, name, networks, createdAt, expiresAt, revokedAt, lastUsedAt } = key;
  const expired = expiresAt !== undefined && expiresAt <= now;
  return {
    id,
    name,
    networks,
    caller: callerKey(key),
    state: revokedAt === undefined ? (expired ? 'expired' : 'valid') : 'revoked',
    created: time(createdAt),
    expires: time(expiresAt),
    revoked: time(revokedAt),
    lastUsed: time(lastUsedAt),
  };
}

function until({ expiresAt }: StoredKey): string {
  return expiresAt === undefined ? 'valid until it is revoked' : `valid until ${new Date(expiresAt).toISOString()}`;
}
