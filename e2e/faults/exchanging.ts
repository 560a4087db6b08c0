/** A gateway before a server that is given one token for each user, of the text that a hostile authorization server chooses. */
import { meta, modernHeaders, type RawAnswer, sendRaw } from '../attacks/raw.ts';
import { type Answering, sendJson, startWitness, type Witness } from '../attacks/witness.ts';
import { type Gateway, startGateway } from '../harness.ts';
import { startIssuer } from '../issuer.ts';

const users = ['dana', 'eve', 'finn', 'gail'] as const;
export type User = (typeof users)[number];

export interface Exchanging extends AsyncDisposable {
  readonly witness: Witness;
  readonly gateway: Gateway;
  /** Calls the tool as this user. */
  readonly call: (as: User, args?: object) => Promise<RawAnswer>;
  /** Any request as this user. */
  readonly send: (as: User, headers: readonly (readonly [string, string])[], body: object) => Promise<RawAnswer>;
  /** From now on tokens of this text are handed out. Those that the gateway holds stay. */
  readonly handOut: (tokenFor: (user: User) => string) => void;
  /** The secrets that the server was given last, as it got them. */
  readonly given: () => string;
}

/** `server`: keys of the server beside its address; `introduction`: what it says of itself. */
export async function startExchanging(
  tokenFor: (user: User) => string,
  server: object = {},
  introduction: object = {},
): Promise<Exchanging> {
  const witness = await startWitness([{ name: 'open', inputSchema: { type: 'object' } }], introduction);
  const issuer = await startIssuer();
  let text = tokenFor;
  issuer.on('/token', (_request, response, body) => {
    const [, claims = ''] = (new URLSearchParams(body).get('subject_token') ?? '').split('.');
    const { sub } = JSON.parse(Buffer.from(claims, 'base64url').toString()) as { sub: User };
    sendJson(response, {
      access_token: text(sub),
      issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      token_type: 'Bearer',
      expires_in: 600,
    });
  });
  const gateway = await startGateway(
    {
      authentication: { issuers: { main: { issuer: issuer.issuer } } },
      callers: { users: Object.fromEntries(users.map((user) => [user, {}])), agents: { bot: {} } },
      servers: {
        notes: {
          url: witness.url,
          credential: {
            tokenExchange: { tokenUrl: `${issuer.issuer}/token`, clientId: 'gateway', clientSecret: '${env:S}' },
          },
          ...server,
        },
      },
      connections: [
        {
          name: 'all',
          from: { anyone: true },
          to: 'notes',
          tools: [{ allow: '*' }],
          requests: { elicitation: 'allow' },
        },
      ],
    },
    { env: { S: 'exchange-secret', FIRST: 'first-"quoted"/header', SECOND: 'second-"quoted"/header' } },
  );
  const url = gateway.endpoint('notes');
  const credentials = new Map<User, string>();
  for (const sub of users) credentials.set(sub, await issuer.sign({ aud: url, sub }));
  const send: Exchanging['send'] = (as, headers, body) =>
    sendRaw({
      url,
      headers: [...headers, ['Authorization', `Bearer ${credentials.get(as)}`]],
      body: JSON.stringify(body),
      within: 60_000,
    });
  return {
    witness,
    gateway,
    send,
    call: (as, args = {}) =>
      send(as, modernHeaders('tools/call', 'open'), {
        jsonrpc: '2.0',
        id: 7,
        method: 'tools/call',
        params: {
          name: 'open',
          arguments: args,
          _meta: { ...meta, 'io.modelcontextprotocol/clientCapabilities': { elicitation: {} } },
        },
      }),
    handOut: (next) => {
      text = next;
    },
    given: () => (witness.calls().at(-1)?.headers.authorization ?? '').replace(/^Bearer /, ''),
    async [Symbol.asyncDispose]() {
      await gateway.stop();
      await issuer[Symbol.asyncDispose]();
      await witness[Symbol.asyncDispose]();
    },
  };
}

/** Answers with a text. */
export function saying(text: string, more: object = {}): Answering {
  return (response, { message }) =>
    sendJson(response, {
      jsonrpc: '2.0',
      id: message.id,
      result: { resultType: 'complete', content: [{ type: 'text', text }], ...more },
    });
}
