/** Time stamping authorities made by `openssl ts`, each with a CA of its own, and an HTTP server before one. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

export interface Tsa {
  readonly folder: string;
  /** Certificate of its CA in PEM. */
  readonly ca: string;
  /** A DER response to a DER query. */
  reply(query: Buffer): Buffer;
  /** What the token of a response says, to be changed. */
  content(token: Buffer): Buffer;
  /** A token over any content, with the key and certificate of the authority whatever they are for. */
  sign(content: Buffer): Buffer;
}

export interface TsaOptions {
  readonly name?: string;
  readonly usage?: string;
  /** What `openssl req -newkey` makes: the key of the authority, and that of its CA. */
  readonly key?: readonly string[];
}

/** Made in no time, unlike one of RSA. */
export const quickKey = ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256'] as const;

const policy = '1.2.3.4.1';

export function makeTsa(
  folder: string,
  { name = 'Test TSA', usage = 'critical,timeStamping', key = quickKey }: TsaOptions = {},
): Tsa {
  const at = (file: string) => join(folder, file);
  const run = (...args: readonly string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });
  writeFileSync(
    at('tsa.cnf'),
    `[tsa]
default_tsa = here
[here]
serial = ${at('serial')}
signer_cert = ${at('tsa.pem')}
certs = ${at('ca.pem')}
signer_key = ${at('tsa.key')}
signer_digest = sha256
default_policy = ${policy}
other_policies = 1.2.3.4.5
digests = sha256
accuracy = secs:1
ess_cert_id_alg = sha256
[leaf]
basicConstraints = CA:FALSE
keyUsage = digitalSignature
extendedKeyUsage = ${usage}
[ca]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign
[req]
distinguished_name = none
[none]
`,
  );
  writeFileSync(at('serial'), '01');
  run(
    'req',
    '-x509',
    '-newkey',
    ...key,
    '-nodes',
    '-keyout',
    'ca.key',
    '-out',
    'ca.pem',
    '-subj',
    `/CN=${name} CA`,
    '-days',
    '60',
    '-config',
    'tsa.cnf',
    '-extensions',
    'ca',
  );
  run(
    'req',
    '-newkey',
    ...key,
    '-nodes',
    '-keyout',
    'tsa.key',
    '-out',
    'tsa.csr',
    '-subj',
    `/CN=${name}`,
    '-config',
    'tsa.cnf',
  );
  run(
    'x509',
    '-req',
    '-in',
    'tsa.csr',
    '-CA',
    'ca.pem',
    '-CAkey',
    'ca.key',
    '-set_serial',
    '77',
    '-days',
    '30',
    '-extfile',
    'tsa.cnf',
    '-extensions',
    'leaf',
    '-out',
    'tsa.pem',
  );
  return {
    folder,
    ca: at('ca.pem'),
    reply(query) {
      writeFileSync(at('query.tsq'), query);
      run('ts', '-reply', '-queryfile', 'query.tsq', '-config', 'tsa.cnf', '-out', 'reply.tsr');
      return readFileSync(at('reply.tsr'));
    },
    content(token) {
      writeFileSync(at('token.der'), token);
      run('cms', '-verify', '-noverify', '-inform', 'DER', '-in', 'token.der', '-out', 'content.der');
      return readFileSync(at('content.der'));
    },
    sign(content) {
      writeFileSync(at('content.der'), content);
      const signing = 'cms -sign -binary -nodetach -cades -md sha256 -nosmimecap -signer tsa.pem -inkey tsa.key';
      const files = '-econtent_type 1.2.840.113549.1.9.16.1.4 -in content.der -out token.der -outform DER';
      run(...`${signing} ${files}`.split(' '));
      return readFileSync(at('token.der'));
    },
  };
}

export interface ServedTsa {
  readonly url: string;
  readonly seen: { readonly headers: IncomingHttpHeaders; readonly query: Buffer }[];
  /** What is done to answers before they leave. */
  change: (answer: Buffer) => Buffer;
  type: string;
  status: number;
}

export async function serveTsa(context: TestContext, tsa: Tsa): Promise<ServedTsa> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const query = Buffer.concat(chunks);
      served.seen.push({ headers: request.headers, query });
      response.writeHead(served.status, { 'content-type': served.type }).end(served.change(tsa.reply(query)));
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(() => server.close());
  const served: ServedTsa = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/tsa`,
    seen: [],
    change: (answer) => answer,
    type: 'application/timestamp-reply',
    status: 200,
  };
  return served;
}
