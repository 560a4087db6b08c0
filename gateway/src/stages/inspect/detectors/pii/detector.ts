/** Data about people: addresses, numbers of cards, accounts and telephones, and identifiers that states give. */
import { defineDetector, type FindingClass } from '../detector.ts';
import { card, cardColumn } from './card.ts';
import { email } from './email.ts';
import { iban } from './iban.ts';
import { alone, byWord } from './identifier.ts';
import { identifiers } from './national.ts';
import { hexadecimal, ipv4 } from './network.ts';
import { afterWord, international, northAmerican } from './phone.ts';

const classes: readonly FindingClass[] = [
  { id: 'email', severity: 'medium', summary: 'E-mail address.' },
  { id: 'phone', severity: 'medium', summary: 'Telephone number.' },
  { id: 'card', severity: 'high', summary: 'Payment card number.' },
  { id: 'iban', severity: 'high', summary: 'International bank account number.' },
  { id: 'ip-address', severity: 'low', summary: 'Public IP address.' },
  { id: 'mac-address', severity: 'low', summary: 'Hardware address of a device.' },
  ...identifiers.map(({ id, summary }) => ({ id, severity: 'high' as const, summary: `${summary}.` })),
];

export const pii = defineDetector({
  id: 'pii',
  version: 4,
  summary: 'Data about people, with check digits where formats have them.',
  classes: () => classes,
  matchers: () => [
    email,
    international,
    afterWord,
    northAmerican,
    card,
    cardColumn,
    iban,
    ipv4,
    hexadecimal,
    alone,
    ...byWord,
  ],
});
