/** Certificates for tests, made with openssl: an authority, a server, clients, a revocation list. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Pair {
  readonly cert: string;
  readonly key: string;
  readonly certFile: string;
  readonly keyFile: string;
}

export interface Authority extends Disposable {
  readonly folder: string;
  readonly cert: string;
  readonly certFile: string;
  readonly crlFile: string;
  /** `names`: alternative names such as `URI:spiffe://corp/bot` or `IP:127.0.0.1`. */
  readonly issue: (name: string, names: string, days?: number) => Pair;
  /** The same, good from one time to another, in milliseconds since the epoch. */
  readonly issueFor: (name: string, names: string, from: number, to: number) => Pair;
  readonly revoke: (pair: Pair) => void;
}

const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

export function makeAuthority(): Authority {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-certificates-'));
  const at = (name: string): string => join(folder, name);
  const openssl = (...args: string[]): void => void execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });
  writeFileSync(at('index.txt'), '');
  writeFileSync(at('crlnumber'), '01');
  writeFileSync(
    at('ca.cnf'),
    '[ca]\ndefault_ca=c\n[c]\ndir=.\ndatabase=index.txt\nserial=ca-serial\ncrlnumber=crlnumber\ncertificate=ca.pem\nprivate_key=ca.key\ndefault_md=sha256\ndefault_crl_days=2\npolicy=p\n[p]\ncommonName=supplied\n',
  );
  openssl('req', '-x509', ...newKey, '-keyout', 'ca.key', '-out', 'ca.pem', '-subj', '/CN=ca', '-days', '2');
  const pairOf = (name: string): Pair => ({
    cert: readFileSync(at(`${name}.pem`), 'utf8'),
    key: readFileSync(at(`${name}.key`), 'utf8'),
    certFile: at(`${name}.pem`),
    keyFile: at(`${name}.key`),
  });
  const ask = (name: string, names: string): void => {
    openssl('req', ...newKey, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${name}`);
    writeFileSync(at(`${name}.ext`), `subjectAltName=${names}\n`);
  };
  const list = (): void => openssl('ca', '-config', 'ca.cnf', '-gencrl', '-out', 'crl.pem');
  list();
  return {
    folder,
    cert: readFileSync(at('ca.pem'), 'utf8'),
    certFile: at('ca.pem'),
    crlFile: at('crl.pem'),
    issue(name, names, days = 1) {
      ask(name, names);
      const signing = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', String(days)];
      openssl('x509', '-req', '-in', `${name}.csr`, '-out', `${name}.pem`, '-extfile', `${name}.ext`, ...signing);
      return pairOf(name);
    },
    issueFor(name, names, from, to) {
      ask(name, names);
      const time = (at: number): string => `${new Date(at).toISOString().replace(/[-:T]|\.\d+Z$/g, '')}Z`;
      const files = ['-in', `${name}.csr`, '-out', `${name}.pem`, '-extfile', `${name}.ext`, '-outdir', '.'];
      const times = ['-startdate', time(from), '-enddate', time(to)];
      openssl('ca', '-batch', '-config', 'ca.cnf', '-rand_serial', '-notext', ...files, ...times);
      return pairOf(name);
    },
    revoke(pair) {
      openssl('ca', '-config', 'ca.cnf', '-revoke', pair.certFile);
      list();
    },
    [Symbol.dispose]: () => rmSync(folder, { recursive: true }),
  };
}
