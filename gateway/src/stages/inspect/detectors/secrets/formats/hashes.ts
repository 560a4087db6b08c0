/** Hashes of passwords: not the secret, but what it can be guessed from. */
import type { FormatRow } from '../format.ts';

const medium = { severity: 'medium' } as const;

export const hashes: readonly FormatRow[] = [
  ['hash-bcrypt', 'bcrypt hash', ['$2a${d:2}${x:53}', '$2b${d:2}${x:53}', '$2y${d:2}${x:53}'], medium],
  [
    'hash-sha512-crypt',
    'SHA-512 crypt hash of /etc/shadow',
    ['$6${x:8-16}${x:86}', '$6$rounds={d:4-6}${x:8-16}${x:86}'],
    medium,
  ],
  ['hash-sha256-crypt', 'SHA-256 crypt hash', '$5${x:8-16}${x:43}', medium],
  ['hash-md5-crypt', 'Apache MD5 hash', ['$apr1${x:8}${x:22}', '$1${x:8}${x:22}'], medium],
  ['hash-yescrypt', 'yescrypt hash', '$y$j9T${x:8-24}${x:43}', medium],
  [
    'hash-argon2',
    'Argon2 hash',
    [
      '$argon2id$v=19$m={d:2-8},t={d:1-3},p={d:1-3}${x:11-64}${x:22-90}',
      '$argon2i$v=19$m={d:2-8},t={d:1-3},p={d:1-3}${x:11-64}${x:22-90}',
    ],
    medium,
  ],
];
