/** `sallyport operator`: who runs the gateway and decides about approvals, beside a running gateway or without one. */
import { userInfo } from 'node:os';
import { Command, Option } from 'commander';
import type { Configuration } from '../config/schema/index.ts';
import { type Operator, operatorBounds } from '../operators/operator.ts';
import { isWithin, type OperatorRole, operatorRoles } from '../operators/roles.ts';
import { operatorName } from '../operators/sign-in.ts';
import { type Changed, type OperatorEvent, type OperatorStore, openOperatorStore } from '../operators/store.ts';
import type { JsonObject } from '../protocol/json.ts';
import { shownInLine } from '../protocol/shown.ts';
import { openMasterKey } from '../secrets/master-key.ts';
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

export function operatorCommand(context: Context): Command {
  return new Command('operator')
    .summary('create, list, change and revoke operators')
    .description('Operators approve calls and use the admin API and the pages of the admin listener.')
    .addCommand(createCommand(context))
    .addCommand(listCommand(context))
    .addCommand(changeCommand(context))
    .addCommand(linkCommand(context))
    .addCommand(tokenCommand(context))
    .addCommand(revokeCommand(context));
}

interface Desk {
  readonly store: OperatorStore;
  readonly configuration: Configuration;
  /** Where the pages are, as far as the configuration says it. */
  readonly base: string;
}

async function withOperators(
  context: Context,
  options: CommonOptions,
  work: (desk: Desk) => void | Promise<void>,
): Promise<void> {
  await withConfiguration(context, options, async (configuration) => {
    const { data, listen } = configuration;
    const master = openMasterKey(data);
    if (!master.ok) {
      const { problem, remedy } = master;
      return fail(context, options, { code: exitCodes.data, problem, remedy });
    }
    const { publicUrl, port, tls } = listen.admin;
    const store = openOperatorStore(data, master.key);
    try {
      const base = publicUrl ?? `${tls === undefined ? 'http' : 'https'}://localhost:${port}`;
      await work({ store, configuration, base });
    } finally {
      store.close();
    }
  });
}

const roleOption = (): Option => new Option('--role <role>', 'what it may do').choices(operatorRoles);
const serversOption = [
  '--servers <names>',
  'servers whose approvals it sees and decides, with commas (default: all)',
] as const;
const userOption = ['--user <name>', 'the user that this person is where it calls as a client'] as const;

interface TraitOptions extends CommonOptions {
  readonly role?: OperatorRole;
  readonly servers?: string;
  readonly user?: string;
}

/** Names of servers that the configuration has; undefined and a complaint for others. */
function serversOf(
  context: Context,
  options: TraitOptions,
  { configuration }: Desk,
): { readonly servers?: readonly string[] } | undefined {
  if (options.servers === undefined || options.servers === 'all') return {};
  const servers = options.servers.split(',').map((name) => name.trim());
  const unknown = servers.find((name) => !Object.hasOwn(configuration.servers, name));
  if (unknown === undefined) return { servers };
  fail(context, options, {
    code: exitCodes.no,
    problem: `there is no server ${shownInLine(unknown)}`,
    remedy: `Known: ${Object.keys(configuration.servers).join(', ')}.`,
  });
  return undefined;
}

function createCommand(context: Context): Command {
  return new Command('create')
    .summary('make an operator')
    .description('Makes an operator and prints the one-time link on which it gets a passkey or a password.')
    .argument('<name>', 'what people and records call it')
    .addOption(roleOption().default('approver'))
    .option(...serversOption)
    .option(...userOption)
    .option(...configOption)
    .option(...jsonOption)
    .addHelpText('after', '\nExample:\n  sallyport operator create dana --role approver --user dana@example.com')
    .action((name: string, options: TraitOptions & { readonly role: OperatorRole }) =>
      withOperators(context, options, (desk) => {
        if (!operatorName.test(name))
          return fail(context, options, {
            code: exitCodes.usage,
            problem: `${shownInLine(name)} is no name of an operator`,
            remedy: 'Letters, digits and . _ @ + -, at most 64, the first one a letter or digit.',
          });
        const servers = serversOf(context, options, desk);
        if (servers === undefined) return;
        const { role, user } = options;
        const made = desk.store.create({ name, role, ...servers, ...(user !== undefined && { user }) }, Date.now());
        if (!made.ok)
          return fail(context, options, {
            code: exitCodes.no,
            problem:
              made.problem === 'exists'
                ? `there is an operator ${name}, or was one`
                : `there are ${operatorBounds.operators} operators, which is the bound`,
            remedy: 'Names are not given twice.',
          });
        tell(desk, 'operator-created', { operator: name, role });
        printLink(context, options, { desk, operator: made.operator });
      }),
    );
}

function printLink(
  context: Context,
  options: CommonOptions,
  { desk: { store, base }, operator }: { readonly desk: Desk; readonly operator: Operator },
): void {
  const { id, name, role } = operator;
  const link = store.sessions.link({ operator: id, name, role }, Date.now());
  if (link === undefined)
    return fail(context, options, {
      code: exitCodes.no,
      problem: 'too many links are open',
      remedy: 'Wait until some of them have ended, within a day.',
    });
  const url = `${base}/join/${link.text}`;
  if (options.json === true) return outJson(context, { ok: true, operator, link: url, endsAt: link.endsAt });
  context.out(`${name} (${role}) opens this link once, within a day:\n  ${url}`);
}

function listCommand(context: Context): Command {
  return new Command('list')
    .summary('list operators')
    .description('Lists operators, revoked ones included, with what each proves itself with.')
    .option(...configOption)
    .option(...jsonOption)
    .addHelpText('after', '\nExample:\n  sallyport operator list')
    .action((options: CommonOptions) =>
      withOperators(context, options, ({ store }) => {
        const operators = store.list().map((operator) => ({
          ...operator,
          passkeys: store.passkeys(operator.id).length,
          password: store.password(operator.id) !== undefined,
          tokens: store.tokens.list(operator.id).filter(isInForce).length,
        }));
        if (options.json === true) return outJson(context, { ok: true, operators });
        for (const { name, role, servers, user, group, passkeys, password, tokens, revokedAt } of operators) {
          const has = [`${passkeys} passkeys`, ...(password ? ['a password'] : []), `${tokens} tokens`].join(', ');
          const where = servers === undefined ? '' : `  at ${servers.join(', ')}`;
          const who = user === undefined ? '' : `  user ${user}`;
          const by = group === undefined ? '' : `  group ${group.group} of ${group.issuer}`;
          const end = revokedAt === undefined ? has : `revoked ${new Date(revokedAt).toISOString()}`;
          context.out(shownInLine(`${name}  ${role}${where}${who}${by}  ${end}`));
        }
        if (operators.length === 0) context.out('there are no operators');
      }),
    );
}

function isInForce({ revokedAt, expiresAt }: { readonly revokedAt?: number; readonly expiresAt: number }): boolean {
  return revokedAt === undefined && expiresAt > Date.now();
}

function changeCommand(context: Context): Command {
  return new Command('change')
    .summary('change what an operator may do')
    .description('Changes role, servers or user. What it approved and is not spent yet is judged by what it is then.')
    .argument('<name>', 'the operator')
    .addOption(roleOption())
    .option(serversOption[0], 'servers whose approvals it sees and decides, with commas, or all')
    .option(...userOption)
    .option(...configOption)
    .option(...jsonOption)
    .addHelpText('after', '\nExample:\n  sallyport operator change dana --servers billing,crm')
    .action((name: string, options: TraitOptions) =>
      withNamed(context, options, { name }, ({ desk, operator }) => {
        const servers = serversOf(context, options, desk);
        if (servers === undefined) return;
        const { role = operator.role, user = operator.user } = options;
        const kept = options.servers === undefined ? operator.servers : servers.servers;
        const next = { role, servers: kept, user } as Parameters<OperatorStore['change']>[1];
        const changed = desk.store.change(operator.id, next);
        if (changed.ok) tell(desk, 'operator-changed', { operator: name, role });
        printChanged(context, options, changed);
      }),
    );
}

function linkCommand(context: Context): Command {
  return new Command('link')
    .summary('make another one-time link')
    .description('Makes a link on which an operator gets another passkey or password.')
    .argument('<name>', 'the operator')
    .option(...configOption)
    .option(...jsonOption)
    .addHelpText('after', '\nExample:\n  sallyport operator link dana')
    .action((name: string, options: CommonOptions) =>
      withNamed(context, options, { name }, ({ desk, operator }) => {
        tell(desk, 'operator-changed', { operator: name, link: true });
        printLink(context, options, { desk, operator });
      }),
    );
}

function tokenCommand(context: Context): Command {
  return new Command('token')
    .summary('make a token for a script')
    .description('Makes a token of an operator for the admin API. It is shown once and cannot be read again.')
    .argument('<name>', 'the operator')
    .addOption(roleOption())
    .option('--expires <duration>', 'how long it is valid, such as 12h or 90d', '30d')
    .option('--note <text>', 'where it is used', 'made on the command line')
    .option('--quiet', 'print only the token')
    .option(...configOption)
    .option(...jsonOption)
    .addHelpText('after', '\nExample:\n  sallyport operator token dana --role approver --expires 12h')
    .action(
      (
        name: string,
        options: TraitOptions & { readonly expires: string; readonly note: string; readonly quiet?: boolean },
      ) =>
        withNamed(context, options, { name }, ({ desk, operator }) => {
          const lifetime = parseDuration(options.expires);
          if (lifetime === undefined || lifetime > operatorBounds.maxTokenMs)
            return fail(context, options, {
              code: exitCodes.usage,
              problem: '--expires cannot be read, or is more than 366d',
              remedy: 'Write it as 12h, 30d or 90d.',
            });
          if (operator.group !== undefined)
            return fail(context, options, {
              code: exitCodes.no,
              problem: `${name} is an operator by a group, which has no tokens`,
              remedy: 'Create an operator for the script.',
            });
          const { role = operator.role } = options;
          if (!isWithin(role, operator.role))
            return fail(context, options, {
              code: exitCodes.no,
              problem: `${role} is more than ${name} may`,
              remedy: `Choose ${operator.role}, or less.`,
            });
          const now = Date.now();
          const made = desk.store.tokens.create(
            { operator: operator.id, name: options.note.slice(0, 128), role, expiresAt: now + lifetime },
            now,
          );
          if (made === undefined)
            return fail(context, options, {
              code: exitCodes.no,
              problem: `${operatorBounds.tokensOfOne} tokens of ${name} are in force`,
              remedy: 'Revoke those that are not needed: DELETE /api/v1/operators/{operator}/tokens/{id}.',
            });
          tell(desk, 'operator-token', { operator: name, token: made.token.id, role, made: true });
          if (options.quiet === true) return context.out(made.text);
          if (options.json === true) return outJson(context, { ok: true, token: made.text, ...made.token });
          context.out(`${made.text}\n`);
          context.out(
            `${made.token.id}, ${role}, until ${new Date(made.token.expiresAt).toISOString()}. It cannot be shown again.`,
          );
        }),
    );
}

function revokeCommand(context: Context): Command {
  return new Command('revoke')
    .summary('revoke an operator')
    .description('Ends its sessions and tokens. What it approved and is not spent yet counts no more.')
    .argument('<name>', 'the operator')
    .option(...configOption)
    .option(...jsonOption)
    .addHelpText('after', '\nExample:\n  sallyport operator revoke dana')
    .action((name: string, options: CommonOptions) =>
      withNamed(context, options, { name }, ({ desk, operator }) => {
        const changed = desk.store.revoke(operator.id, { now: Date.now() });
        if (changed.ok) tell(desk, 'operator-revoked', { operator: name });
        printChanged(context, options, changed);
      }),
    );
}

async function withNamed(
  context: Context,
  options: CommonOptions,
  { name }: { readonly name: string },
  work: (found: { readonly desk: Desk; readonly operator: Operator }) => void,
): Promise<void> {
  await withOperators(context, options, (desk) => {
    const operator = desk.store.named(name);
    if (operator !== undefined && operator.revokedAt === undefined) return work({ desk, operator });
    fail(context, options, {
      code: exitCodes.no,
      problem: `there is no operator ${shownInLine(name)}${operator === undefined ? '' : ' any more: it is revoked'}`,
      remedy: 'See `sallyport operator list`.',
    });
  });
}

function printChanged(context: Context, options: CommonOptions, changed: Changed): void {
  if (!changed.ok) return fail(context, options, { code: exitCodes.no, ...changeProblems[changed.problem] });
  const { name, role, revokedAt } = changed.operator;
  if (options.json === true) return outJson(context, { ok: true, operator: changed.operator });
  context.out(revokedAt === undefined ? `${name} is ${role}` : `${name} is revoked`);
}

const changeProblems = {
  unknown: { problem: 'there is no such operator, or it is revoked', remedy: 'See `sallyport operator list`.' },
  'changed-meanwhile': { problem: 'it was changed by another command', remedy: 'Look, and try again.' },
  'last-administrator': { problem: 'it is the only administrator', remedy: 'Make another administrator before.' },
  'of-group': {
    problem: 'its group says what it may do',
    remedy: 'Change console.groups in the configuration, or revoke it.',
  },
} as const;

/** For the log of the gateway: who did it is the user of the machine. */
function tell({ store }: Desk, kind: OperatorEvent['kind'], detail: JsonObject): void {
  store.tell({ kind, at: Date.now(), detail: { by: `os:${userInfo().username}`, via: 'command', ...detail } });
}
