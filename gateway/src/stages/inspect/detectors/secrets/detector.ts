/** Credentials: token formats of vendors, private keys, passwords in URLs, and what is assigned to a telling name. */
import { defineDetector, type FindingClass, type Severity } from '../detector.ts';
import { assignment } from './assignment.ts';
import { type FormatRow, matcherOf } from './format.ts';
import { ai } from './formats/ai.ts';
import { business } from './formats/business.ts';
import { cloud } from './formats/cloud.ts';
import { code } from './formats/code.ts';
import { hashes } from './formats/hashes.ts';
import { jwt } from './jwt.ts';
import { der, jwk, pem, putty } from './private-key.ts';
import { basicHeader, commandLine, credentialsInUrl } from './url.ts';
import { vendors } from './vendors.ts';

export const formats: readonly FormatRow[] = [...code, ...ai, ...cloud, ...business, ...hashes];

const own: readonly (readonly [id: string, severity: Severity, summary: string])[] = [
  ['private-key', 'critical', 'Private key: PEM, PuTTY, JWK or DER in base64.'],
  ['connection-string', 'critical', 'Password in the URL of a database or queue.'],
  ['url-password', 'high', 'Password in a URL of the web.'],
  ['basic-header', 'high', 'User and password of HTTP basic authentication.'],
  ['command-password', 'high', 'Password on a command line.'],
  ['jwt', 'high', 'JSON Web Token.'],
  ['assigned-secret', 'high', 'Random value that is assigned to a telling name.'],
  ['assigned-password', 'high', 'Password that is assigned to a telling name.'],
];

const classes: readonly FindingClass[] = [
  ...own.map(([id, severity, summary]) => ({ id, severity, summary })),
  ...formats.map(([id, summary, , more]) => ({
    id,
    severity: more?.severity ?? ('critical' as const),
    summary: `${summary}.`,
  })),
  ...vendors.map(({ id, summary }) => ({ id, severity: 'high' as const, summary: `${summary}.` })),
];

export const secrets = defineDetector({
  id: 'secrets',
  version: 7,
  summary: 'Keys, tokens, passwords and private keys.',
  classes: () => classes,
  matchers: () => [
    ...formats.flatMap(matcherOf),
    pem,
    putty,
    jwk,
    der,
    jwt,
    credentialsInUrl,
    basicHeader,
    commandLine,
    assignment,
  ],
});
