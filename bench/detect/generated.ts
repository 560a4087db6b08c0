/** Cases whose values are made at run time from their formats: tokens, named keys, cards, accounts, identifiers. */
import { crc32 } from 'node:zlib';
import { luhn, mod97 } from '../../gateway/src/stages/inspect/detectors/pii/checks.ts';
import { identifiers } from '../../gateway/src/stages/inspect/detectors/pii/national.ts';
import { formats } from '../../gateway/src/stages/inspect/detectors/secrets/detector.ts';
import { segmentsOf } from '../../gateway/src/stages/inspect/detectors/secrets/format.ts';
import { vendors } from '../../gateway/src/stages/inspect/detectors/secrets/vendors.ts';
import { numbersFrom, randomOf } from '../../gateway/test/support/detector-cases.ts';
import type { Case } from './cases.ts';

type Random = () => number;

function valueOf(pattern: string, random: Random): string {
  return segmentsOf(pattern)
    .map((segment) => {
      if (typeof segment === 'string') return segment;
      const { alphabet, least, most } = segment;
      return randomOf(alphabet, least + Math.floor(random() * (most - least + 1)), random);
    })
    .join('');
}

const base62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** GitHub and npm: the CRC-32 of the random part, in six signs of base 62. */
function withCrc(token: string): string {
  const split = token.lastIndexOf('_') + 1;
  const body = token.slice(split, -6);
  let rest = crc32(body);
  let check = '';
  for (; check.length < 6; rest = Math.floor(rest / 62)) check = (base62[rest % 62] ?? '') + check;
  return token.slice(0, split) + body + check;
}

/** Places where tokens stand: `@` is the token, `#` a word that belongs to it. */
const tokenCarriers = [
  '# .env of #\nACCESS=@\nDEBUG=0',
  '{"service":"#","credentials":["@"],"ok":true}',
  '#:\n  auth:\n    value: @\n',
  '2026-11-03T10:22:01Z ERROR [#] request failed, token @ rejected (401)',
  'mira: can you try with @ ? it is for #\nsven: ok',
  'curl -s -H "Authorization: Bearer @" https://#.internal/v1/me',
  '| # | @ |',
  '#;@;2026-11-03',
  'const # = connect("@");',
  'the # key (@) has been rotated.',
  '<setting name="#">@</setting>',
  "#.token = '@'\n",
  'GET /v1/items?x=1&auth=@ HTTP/1.1\nHost: #',
  '# login --with "@"',
  '「#」のキーは @ です',
  '{\\"#\\":\\"@\\"}',
  '- #: `@`',
  'ticket 4411: customer pasted @ into the chat about #',
] as const;

function* tokenCases(): Generator<Case> {
  for (const [index, [id, , patterns, more]] of formats.entries())
    for (const [form, pattern] of [patterns].flat().entries()) {
      const random = numbersFrom(`${id} ${form}`);
      for (let round = 0; round < 2; round++) {
        const made = valueOf(pattern, random);
        const isCrc = more?.checksum !== undefined && made.includes('_');
        const token = isCrc && round === 0 ? withCrc(made) : made;
        const carrier = tokenCarriers[(index * 5 + form * 7 + round * 11) % tokenCarriers.length] ?? '@';
        const word = more?.near?.[0] ?? 'service';
        yield {
          detector: 'secrets',
          group: 'tokens',
          text: carrier.replaceAll('#', () => word).replace('@', () => token),
          isPositive: true,
        };
      }
    }
}

const keyCarriers = [
  (word: string, value: string) => `${word.toUpperCase().replace(/[ .-]/g, '_')}_API_KEY=${value}`,
  (word: string, value: string) => `{"${word}":{"apiKey":"${value}","region":"eu"}}`,
  (word: string, value: string) => `${word}:\n  secret: ${value}\n  timeout: 30`,
  (word: string, value: string) => `export ${word.toUpperCase().replace(/[ .-]/g, '_')}_TOKEN="${value}"`,
  (word: string, value: string) => `const ${word.replace(/[ .-]/g, '_')}Secret = '${value}';`,
  (word: string, value: string) => `our ${word} api key is ${value}, keep it safe`,
  (word: string, value: string) => `[${word}]\nauth_token = ${value}`,
] as const;

function* keyCases(): Generator<Case> {
  for (const [index, { id, words, patterns }] of vendors.entries())
    for (const [form, pattern] of patterns.entries()) {
      const random = numbersFrom(`${id} ${form} key`);
      const carrier = keyCarriers[(index + form * 3) % keyCarriers.length];
      const text = carrier?.(words[0] ?? '', valueOf(pattern, random)) ?? '';
      yield { detector: 'secrets', group: 'named keys', text, isPositive: true };
    }
}

/** What looks like a key, behind names that promise none. */
function* keyNegatives(): Generator<Case> {
  const names = ['commit', 'etag', 'build_id', 'checksum', 'digest', 'trace', 'revision', 'object', 'blob', 'image'];
  const forms = ['{h:32}', '{h:40}', '{h:64}', '{h:8}-{h:4}-{h:4}-{h:4}-{h:12}', '{a:24}', '{b:43}'];
  for (const [at, name] of names.entries())
    for (const [form, pattern] of forms.entries()) {
      const value = valueOf(pattern, numbersFrom(`${name} ${form}`));
      const texts = [`${name}: ${value}`, `{"${name}":"${value}"}`, `${name}=${value} ok`];
      yield { detector: 'secrets', group: 'named keys', text: texts[(at + form) % 3] ?? '', isPositive: false };
    }
}

const digits = (count: number, random: Random): string => randomOf('d', count, random);

const cardForms: readonly (readonly [prefix: string, length: number, groups: readonly number[]])[] = [
  ['4', 16, [4, 4, 4, 4]],
  ['51', 16, [4, 4, 4, 4]],
  ['55', 16, [4, 4, 4, 4]],
  ['2221', 16, [4, 4, 4, 4]],
  ['34', 15, [4, 6, 5]],
  ['37', 15, [4, 6, 5]],
  ['6011', 16, [4, 4, 4, 4]],
  ['65', 16, [4, 4, 4, 4]],
  ['3528', 16, [4, 4, 4, 4]],
  ['36', 14, [4, 6, 4]],
  ['62', 16, [4, 4, 4, 4]],
];
const cardCarriers = [
  'card number: @',
  '{"cardNumber":"@","expiry":"11/29"}',
  'name,card\nMira,@',
  'Zahlung mit Kreditkarte @ am 3.11.',
  'pay with visa @ please',
  '2026-11-03 charge failed pan=@ code=51',
  'tarjeta de crédito @',
  '<card><number>@</number></card>',
  'the guest gave us @, exp 04/28, cvc 113',
  'クレジットカード番号：@',
];

function* paymentCases(): Generator<Case> {
  for (const [index, [prefix, length, groups]] of cardForms.entries())
    for (let round = 0; round < 6; round++) {
      const random = numbersFrom(`card ${prefix} ${round}`);
      let number = '';
      do number = prefix + digits(length - prefix.length, random);
      while (!luhn(number));
      const wrong = number.slice(0, -1) + String((Number(number.at(-1)) + 3) % 10);
      const separator = ['', ' ', '-'][round % 3] ?? '';
      const carrier = cardCarriers[(index + round * 3) % cardCarriers.length] ?? '@';
      for (const [value, isPositive] of [
        [number, true],
        [wrong, false],
      ] as const) {
        const text = carrier.replace('@', grouped(value, groups, separator));
        yield { detector: 'pii', group: 'payment', text, isPositive };
      }
    }
  yield* ibanCases();
}

function grouped(value: string, groups: readonly number[], separator: string): string {
  let at = 0;
  return groups.map((length) => value.slice(at, (at += length))).join(separator);
}

const accounts: readonly (readonly [country: string, account: string])[] = [
  ['DE', 'dddddddddddddddddd'],
  ['FR', 'ddddddddddaaaaaaaaaaadd'],
  ['ES', 'dddddddddddddddddddd'],
  ['IT', 'Addddddddddaaaaaaaaaaaa'],
  ['NL', 'AAAAdddddddddd'],
  ['BE', 'dddddddddddd'],
  ['GB', 'AAAAdddddddddddddd'],
  ['PL', 'dddddddddddddddddddddddd'],
  ['CH', 'dddddaaaaaaaaaaaa'],
  ['AT', 'dddddddddddddddd'],
  ['PT', 'ddddddddddddddddddddd'],
  ['NO', 'ddddddddddd'],
  ['SE', 'dddddddddddddddddddd'],
  ['DK', 'dddddddddddddd'],
  ['FI', 'dddddddddddddd'],
  ['CZ', 'dddddddddddddddddddd'],
  ['SA', 'ddaaaaaaaaaaaaaaaaaa'],
  ['TR', 'dddddddddddddddddddddd'],
  ['BR', 'dddddddddddddddddddddddAa'],
  ['MT', 'AAAAdddddaaaaaaaaaaaaaaaaaa'],
];
const accountCarriers = [
  'IBAN: @',
  'transfer to @ today',
  '{"iban":"@"}',
  'konto;@;EUR',
  'Bitte überweisen Sie auf @.',
  'account @ (main)',
];

function* ibanCases(): Generator<Case> {
  for (const [index, [country, form]] of accounts.entries())
    for (let round = 0; round < 2; round++) {
      const random = numbersFrom(`iban ${country} ${round}`);
      const account = shaped(form.toUpperCase().replaceAll('D', 'd').replaceAll('A', 'A'), random);
      const check = String(98 - mod97(`${account}${country}00`)).padStart(2, '0');
      const wrong = String(((Number(check) + 10) % 97) + 2).padStart(2, '0');
      const carrier = accountCarriers[(index + round) % accountCarriers.length] ?? '@';
      for (const [digit, isPositive] of [
        [check, true],
        [wrong, false],
      ] as const) {
        const plain = country + digit + account;
        const value = round === 0 ? plain : (plain.match(/.{1,4}/g) ?? []).join(' ');
        yield { detector: 'pii', group: 'payment', text: carrier.replace('@', value), isPositive };
      }
    }
}

/** `d` digit, `A` letter, all others themselves. */
function shaped(form: string, random: Random): string {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';
  return form.replace(/[dA]/g, (sign) =>
    sign === 'd' ? digits(1, random) : (letters[Math.floor(random() * 26)] ?? 'A'),
  );
}

/** By identifier: shapes that people write (`d` digit, `A` letter, `^` a sign of the list behind `|`), and labels. */
const shapes: Readonly<Record<string, readonly [forms: string, labels: string]>> = {
  'us-ssn': ['ddd-dd-dddd|ddddddddd|ddd dd dddd', 'SSN|Social Security Number|social_security_no'],
  'ca-sin': ['ddd ddd ddd|ddd-ddd-ddd|ddddddddd', 'SIN|Social Insurance Number|numéro d’assurance sociale'],
  'gb-nhs': ['ddd ddd dddd|dddddddddd|ddd-ddd-dddd', 'NHS number|NHS No|nhs_number'],
  'ie-pps': ['dddddddA|dddddddAA', 'PPS number|PPSN|pps_no'],
  'fr-nir': [
    '1 8d 0d dd ddd ddd dd|28d1ddddddddddd|1 7d 05 78 ddd ddd dd',
    'NIR|numéro de sécurité sociale|n° de sécu',
  ],
  'de-tax': [
    'dd ddd ddd ddd|ddddddddddd',
    'Steuer-ID|IdNr.|steuerliche Identifikationsnummer|Steueridentifikationsnummer',
  ],
  'es-dni': ['ddddddddA|dddddddd-A|XdddddddA|YdddddddA', 'DNI|NIE|documento de identidad'],
  'pt-nif': ['ddddddddd|ddd ddd ddd', 'NIF|contribuinte n.º|número de contribuinte'],
  'nl-bsn': ['ddddddddd|dddd.dd.ddd', 'BSN|burgerservicenummer'],
  'be-rrn': ['dd.0d.1d-ddd.dd|dd0d1dddddd', 'rijksregisternummer|numéro de registre national|INSZ'],
  'ch-ahv': ['756.dddd.dddd.dd|756dddddddddd', 'AHV-Nummer|numéro AVS'],
  'at-svnr': ['dddd 1d0ddd|dddd1d0ddd', 'SVNR|Sozialversicherungsnummer|SV-Nummer'],
  'pl-pesel': ['dd0d1dddddd|dd1ddddddddd', 'PESEL|nr PESEL'],
  'cz-rc': ['dd0d1d/dddd|dd5d1d/dddd', 'rodné číslo|birth number|r.č.'],
  'ro-cnp': ['1dd0d1ddddddd|2dd0d2ddddddd', 'CNP|cod numeric personal'],
  'bg-egn': ['dd0d1ddddd|dd4d1ddddd', 'ЕГН|EGN'],
  'gr-afm': ['ddddddddd', 'ΑΦΜ|AFM'],
  'hr-oib': ['ddddddddddd', 'OIB'],
  'ee-ik': ['3dd0d1ddddd|4dd0d2ddddd', 'isikukood|asmens kodas'],
  'se-pnr': ['dd0d1d-dddd|19dd0d1d-dddd|dd0d1ddddd', 'personnummer|personal number'],
  'no-fnr': ['1d0dddddddd|2d0ddd ddddd', 'fødselsnummer|fnr|personnummer'],
  'dk-cpr': ['1d0ddd-dddd|2d0ddddddd', 'CPR-nummer|cpr'],
  'fi-hetu': ['1d0ddd-dddA|1d0dddAdddd', 'henkilötunnus|HETU|identity code'],
  'it-cf': ['AAAAAAddA1dAdddA|AAAAAAddA0dAdddA', 'codice fiscale|C.F.'],
  'br-cpf': ['ddd.ddd.ddd-dd|ddddddddddd', 'CPF|cpf do cliente'],
  'br-cnpj': ['dd.ddd.ddd/000d-dd|dddddddd000ddd', 'CNPJ'],
  'cl-rut': ['dd.ddd.ddd-d|dddddddd-d', 'RUT|RUN'],
  'ar-cuit': ['20-dddddddd-d|27ddddddddd', 'CUIT|CUIL'],
  'mx-curp': ['AAAAdd0d1dHAAAAAdd|AAAAdd0d1dMAAAAAdd', 'CURP'],
  'ru-inn': ['dddddddddddd', 'ИНН|INN'],
  'ru-snils': ['ddd-ddd-ddd dd|ddddddddddd', 'СНИЛС|SNILS'],
  'in-aadhaar': ['dddd dddd dddd|dddddddddddd|dddd-dddd-dddd', 'Aadhaar|Aadhaar No|आधार'],
  'cn-id': ['11010119dd0d1dddd|110101198d0d1ddddd|310104199d1d2dddd0|32010620000d1ddddd', '身份证|身份证号码|ID card'],
  'tw-id': ['A1dddddddd|A2dddddddd', '身分證字號|national ID'],
  'hk-id': ['Adddddd(d)|Addddddd', 'HKID|香港身份證|identity card'],
  'jp-my-number': ['dddd dddd dddd|dddddddddddd', 'マイナンバー|個人番号|My Number'],
  'kr-rrn': ['dd0d1d-1dddddd|dd0d2d-2dddddd', '주민등록번호|RRN'],
  'sg-nric': ['SdddddddA|TdddddddA|FdddddddA', 'NRIC|FIN|NRIC/FIN'],
  'th-id': ['d-dddd-ddddd-dd-d|ddddddddddddd', 'เลขบัตรประชาชน|Thai national ID'],
  'tr-tckn': ['ddddddddddd', 'TCKN|T.C. Kimlik No|kimlik numarası'],
  'il-id': ['ddddddddd', 'תעודת זהות|Teudat Zehut'],
  'za-id': ['dd0d1dddddddd|dd0d1d dddd 08 d', 'ID number|South African ID|SA ID'],
  'au-tfn': ['ddd ddd ddd|ddddddddd', 'TFN|tax file number'],
  'au-medicare': ['2ddd ddddd d|3ddddddddd', 'Medicare number|medicare card'],
  'nz-ird': ['dd-ddd-ddd|ddddddddd', 'IRD number|IRD'],
};
const idCarriers = [
  '#: @',
  '{"name":"Mira Voss","#":"@"}',
  'Patient Mira Voss, # @, geb. 1.2.1980',
  'name,#,city\nMira Voss,@,Kiel',
  '# is @ according to the form',
  '<field label="#">@</field>',
  '| # | @ |',
  '> # (@) confirmed',
];
/** Their check tells a date or nothing: every number passes. */
const unchecked = new Set(['us-itin', 'in-pan', 'us-ssn', 'dk-cpr']);

function* nationalCases(): Generator<Case> {
  for (const [index, { id, form, check }] of identifiers.entries()) {
    const [forms, labels] = shapes[id] ?? ['', ''];
    if (forms === '') continue;
    const whole = new RegExp(`^(?:${form.source})$`, 'i');
    const passes = (value: string): boolean =>
      whole.test(value) && check(value.replace(/[^0-9A-Za-z+]/g, '').toUpperCase());
    for (const [at, shape] of forms.split('|').entries())
      for (let round = 0; round < 2; round++) {
        const random = numbersFrom(`${id} ${shape} ${round}`);
        const right = drawn(shape, random, passes);
        if (right === undefined) continue;
        const all = labels.split('|');
        const label = all[(at + round) % all.length] ?? '';
        const carrier = idCarriers[(index * 3 + at * 5 + round * 2) % idCarriers.length] ?? '';
        const fill = (value: string): string => carrier.replaceAll('#', () => label).replace('@', () => value);
        yield { detector: 'pii', group: 'national', text: fill(right), isPositive: true, about: id };
        if (unchecked.has(id)) continue;
        const wrong = drawn(shape, random, (value) => !passes(value));
        if (wrong !== undefined)
          yield { detector: 'pii', group: 'national', text: fill(wrong), isPositive: false, about: id };
      }
  }
}

function drawn(shape: string, random: Random, isWanted: (value: string) => boolean): string | undefined {
  for (let attempt = 0; attempt < 20_000; attempt++) {
    const value = shaped(shape, random);
    if (isWanted(value)) return value;
  }
  return undefined;
}

export function generatedCases(): readonly Case[] {
  return [...tokenCases(), ...keyCases(), ...keyNegatives(), ...paymentCases(), ...nationalCases()];
}
