/** `sallyport server disconnect|trust`: forgets the account of a user, agrees to another authorization server. */
import { Command } from 'commander';
import type { ServerConfig } from '../config/schema/servers.ts';
import { suggestion } from '../config/suggest.ts';
import { readPin, writePin } from '../upstreams/credentials/authorization-code/pins.ts';
import { forgetAccount } from '../upstreams/credentials/authorization-code/vault.ts';
import { isTold } from './announce.ts';
import {
  type CommonOptions,
  type Context,
  configOption,
  fail,
  jsonOption,
  loadOrComplain,
  outJson,
} from './context.ts';
import { exitCodes } from './exit-codes.ts';

export function disconnectCommand(context: Context): Command {
  return new Command('disconnect')
    .summary('forget the account of a user')
    .description(
      'Forgets the tokens of a user at a server. A running gateway stops using them within a second. The authorization server is not told: end the grant there as well.',
    )
    .argument('<name>', 'the server')
    .requiredOption('--user <user>', 'the user, named as the gateway knows it')
    .option(...configOption)
    .option(...jsonOption)
    .addHelpText(
      'after',
      '\nEnds with 1 when there is no such account.\n\nExample:\n  sallyport server disconnect calendar --user dana',
    )
    .action(async (name: string, options: CommonOptions & { readonly user: string }) => {
      const found = await accountServer(context, options, name);
      if (found === undefined) return;
      const wasThere = forgetAccount(found.data, name, options.user);
      // Also when there is none: a command before this one may have ended before it could tell.
      if (!isTold(context, { ...options, data: found.data, topic: 'accounts' })) return;
      if (!wasThere)
        return fail(context, options, { code: exitCodes.no, problem: `${options.user} has no account at ${name}` });
      if (options.json === true) outJson(context, { ok: true, server: name, user: options.user });
      else context.out(`${options.user} is disconnected from ${name}`);
    });
}

export function trustCommand(context: Context): Command {
  return new Command('trust')
    .summary('agree to the authorization server of a server')
    .description(
      'Agrees to the authorization server that a server names now. Until then it gets no credential of any user. Accounts that another one has given tokens for must be connected anew.',
    )
    .argument('<name>', 'the server')
    .requiredOption('--issuer <url>', 'the authorization server, exactly as the server names it')
    .option(...configOption)
    .option(...jsonOption)
    .addHelpText('after', '\nExample:\n  sallyport server trust calendar --issuer https://login.example')
    .action(async (name: string, options: CommonOptions & { readonly issuer: string }) => {
      const found = await accountServer(context, options, name);
      if (found === undefined) return;
      const { issuer } = options;
      if (!URL.canParse(issuer))
        return fail(context, options, { code: exitCodes.usage, problem: `${issuer} is no URL` });
      if (found.issuer !== undefined && found.issuer !== issuer)
        return fail(context, options, {
          code: exitCodes.no,
          problem: `the configuration says issuer: ${found.issuer}`,
          remedy: 'Change it there: what the configuration says counts before what was agreed to.',
        });
      const before = readPin(found.data, name);
      writePin(found.data, name, { url: found.url, issuer, since: Date.now() });
      if (!isTold(context, { ...options, data: found.data, topic: 'issuers' })) return;
      if (options.json === true) return outJson(context, { ok: true, server: name, issuer, before: before?.issuer });
      context.out(`${name}: ${issuer} is agreed to${before === undefined ? '' : `, ${before.issuer} was before`}`);
    });
}

interface Found {
  readonly data: string;
  /** Without fragment. */
  readonly url: string;
  readonly issuer: string | undefined;
}

async function accountServer(context: Context, options: CommonOptions, name: string): Promise<Found | undefined> {
  const loaded = await loadOrComplain(context, options);
  if (loaded === undefined) return undefined;
  const { servers, data } = loaded.revision.configuration;
  const server: ServerConfig | undefined = Object.hasOwn(servers, name) ? servers[name] : undefined;
  const known = Object.keys(servers).filter((each) => accountsOf(servers[each]) !== undefined);
  if (server === undefined) {
    fail(context, options, {
      code: exitCodes.no,
      problem: `there is no server "${name}"`,
      remedy: suggestion(name, known, 'server'),
    });
    return undefined;
  }
  const accounts = accountsOf(server);
  if (accounts === undefined || !('url' in server)) {
    fail(context, options, { code: exitCodes.no, problem: `users have no accounts at ${name}` });
    return undefined;
  }
  return { data, url: server.url.replace(/#.*$/, ''), issuer: accounts.issuer };
}

function accountsOf(server: ServerConfig | undefined) {
  return server !== undefined && 'url' in server ? server.credential?.authorizationCode : undefined;
}
