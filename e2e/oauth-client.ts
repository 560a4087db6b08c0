/** An SDK client that knows nothing but the URL of an endpoint: discovers, registers, authorizes, and steps up. */
import {
  Client,
  type OAuthClientProvider,
  StreamableHTTPClientTransport,
  UnauthorizedError,
} from '@modelcontextprotocol/client';
import { browse } from './authorization-server.ts';

type Stored<Method extends 'clientInformation' | 'tokens'> = Exclude<
  Awaited<ReturnType<OAuthClientProvider[Method]>>,
  undefined
>;

const redirectUri = 'http://127.0.0.1/callback';

export interface OAuthSession extends AsyncDisposable {
  readonly client: Client;
  /** Calls a tool; where authorization is asked for, a person gives it in a browser, and the call is made again. */
  readonly call: (name: string, args?: Record<string, unknown>) => Promise<unknown>;
  readonly accessToken: () => string | undefined;
  /** How often a person was sent to the browser. */
  readonly visits: () => number;
}

export interface OAuthOptions {
  /** What the client is at the authorization server, instead of registering there. */
  readonly registered?: Stored<'clientInformation'>;
  /** URL of a document about the client, for authorization servers that read such (CIMD). */
  readonly document?: string;
  /** What the client reaches the network with. */
  readonly fetch?: typeof fetch;
}

export async function openOAuthSession(url: string, options: OAuthOptions = {}): Promise<OAuthSession> {
  let registration: Stored<'clientInformation'> | undefined = options.registered;
  let tokens: Stored<'tokens'> | undefined;
  let verifier = '';
  let visits = 0;
  let callback: URLSearchParams | undefined;
  const provider: OAuthClientProvider = {
    redirectUrl: redirectUri,
    clientMetadata: {
      client_name: 'agent of the example',
      redirect_uris: [redirectUri],
      grant_types: ['authorization_code', 'refresh_token'],
      ...(options.fetch === undefined ? { token_endpoint_auth_method: 'none' } : {}),
      application_type: 'native',
    },
    ...(options.document === undefined ? {} : { clientMetadataUrl: options.document }),
    clientInformation: () => registration,
    saveClientInformation: (information) => {
      registration = information;
    },
    tokens: () => tokens,
    saveTokens: (saved) => {
      tokens = saved;
    },
    redirectToAuthorization: async (to) => {
      visits += 1;
      callback = await browse(to, redirectUri);
    },
    saveCodeVerifier: (saved) => {
      verifier = saved;
    },
    codeVerifier: () => verifier,
  };
  let client = new Client(
    { name: 'oauth-example', version: '1.0.0' },
    { versionNegotiation: { mode: { pin: '2026-07-28' } } },
  );
  const connecting = { authProvider: provider, ...(options.fetch === undefined ? {} : { fetch: options.fetch }) };
  let transport = new StreamableHTTPClientTransport(new URL(url), connecting);
  const authorized = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof UnauthorizedError) || callback === undefined) throw error;
      await transport.finishAuth(callback);
      callback = undefined;
      return work();
    }
  };
  await authorized(async () => {
    client = new Client(
      { name: 'oauth-example', version: '1.0.0' },
      { versionNegotiation: { mode: { pin: '2026-07-28' } } },
    );
    transport = new StreamableHTTPClientTransport(new URL(url), connecting);
    await client.connect(transport);
  });
  return {
    client,
    call: (name, args = {}) => authorized(() => client.callTool({ name, arguments: args })),
    accessToken: () => tokens?.access_token,
    visits: () => visits,
    [Symbol.asyncDispose]: () => client.close(),
  };
}
