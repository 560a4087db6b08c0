/** A gateway whose `echo` is held, an agent that calls it, and the commands that decide. */
import assert from 'node:assert/strict';
import { type Ended, runCommandHere } from '../../gateway/test/support/command.ts';
import { openSession, type Session } from '../clients.ts';
import { type Gateway, packageFile, type Settings, startGateway } from '../harness.ts';

const everything = packageFile('@modelcontextprotocol', 'server-everything', 'dist', 'index.js');

export interface World extends AsyncDisposable {
  readonly gateway: Gateway;
  /** Where operators are, by the name that passkeys are bound to. */
  readonly base: string;
  readonly sallyport: (...args: readonly string[]) => Promise<Ended>;
  readonly session: Session;
  /** Makes the call, which is held; the id of its approval. */
  readonly held: (message: string) => Promise<string>;
  /** A one-time link of the operator, with the port that the system chose. */
  readonly operator: (name: string, ...options: readonly string[]) => Promise<string>;
  readonly token: (name: string, ...options: readonly string[]) => Promise<string>;
}

const pending = /approval (ap_[a-z0-9]+), until/;

export async function startWorld(
  approval: object,
  {
    tool = 'echo',
    env,
    folder,
    ...more
  }: Settings & {
    readonly tool?: string;
    readonly folder?: string;
    readonly env?: Readonly<Record<string, string>>;
  } = {},
): Promise<World> {
  const gateway = await startGateway(
    {
      callers: { users: { dana: {} }, agents: { asker: {} } },
      servers: {
        things: { command: [process.execPath, everything, 'stdio'] },
        other: { command: [process.execPath, everything, 'stdio'] },
      },
      connections: [
        {
          name: 'things',
          from: { anyone: true },
          to: ['things', 'other'],
          tools: [{ allow: '*' }, { hold: tool, approval }],
        },
      ],
      ...more,
    },
    { ...(env !== undefined && { env }), ...(folder !== undefined && { folder }) },
  );
  const key = gateway.key({ user: 'dana', agent: 'asker' });
  const session = await openSession('sdk2-legacy', {
    url: gateway.endpoint('things'),
    headers: { Authorization: `Bearer ${key}` },
  });
  await session.tools();
  const base = gateway.admin.replace('127.0.0.1', 'localhost');
  const sallyport = (...args: readonly string[]) => runCommandHere(...args, '--config', gateway.config);
  return {
    gateway,
    base,
    session,
    sallyport,
    async held(message) {
      const { text } = await session.call('echo', { message });
      return pending.exec(text)?.[1] ?? assert.fail(text);
    },
    async operator(name, ...options) {
      const { stdout, stderr } = await sallyport('operator', 'create', name, ...options);
      const path = /\/join\/[A-Za-z0-9_-]{43}/.exec(stdout)?.[0] ?? assert.fail(stdout + stderr);
      return base + path;
    },
    async token(name, ...options) {
      const { stdout, stderr } = await sallyport('operator', 'token', name, '--quiet', ...options);
      const text = stdout.trim();
      assert.match(text, /^sop_/, stderr);
      return text;
    },
    async [Symbol.asyncDispose]() {
      await session[Symbol.asyncDispose]();
      await gateway.stop();
    },
  };
}
