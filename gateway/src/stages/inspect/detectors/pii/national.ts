/**
 * Identifiers of persons that states give, with their check digits. `strong` ones are told by their form and check
 * alone; all others need a word of their context within reach, in the languages of their country or English.
 */
import { digitAt, isDay, luhn, mod11Of10, remainder, verhoeff, weighted } from './checks.ts';

export interface Identifier {
  readonly id: string;
  readonly summary: string;
  /** With separators as people write them; anchored at both ends by the caller. */
  readonly form: RegExp;
  /** The value without separators, in capitals. */
  readonly check: (value: string) => boolean;
  /** Folded; one of them within reach. */
  readonly words: readonly string[];
}

const range = (digits: string, from: number, to: number): number => Number(digits.slice(from, to));

function spanish(value: string): boolean {
  const letters = 'TRWAGMYFPDXBNJZSQVHLCKE';
  const number = value.replace(/^X/, '0').replace(/^Y/, '1').replace(/^Z/, '2').slice(0, 8);
  return letters[Number(number) % 23] === value[8];
}

const italianOdd: Readonly<Record<string, number>> = Object.fromEntries(
  [...'0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ'].map((sign, at) => {
    const odd = [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23];
    return [sign, at < 10 ? (odd[at] ?? 0) : (odd[at - 10] ?? 0)];
  }),
);

function italian(value: string): boolean {
  let sum = 0;
  for (let at = 0; at < 15; at++) {
    const sign = value[at] ?? '';
    sum += at % 2 === 0 ? (italianOdd[sign] ?? 0) : sign >= 'A' ? sign.charCodeAt(0) - 65 : Number(sign);
  }
  return String.fromCharCode(65 + (sum % 26)) === value[15];
}

function brazilianPerson(value: string): boolean {
  if (/^(\d)\1{10}$/.test(value)) return false;
  const digit = (count: number): number => {
    let sum = 0;
    for (let at = 0; at < count; at++) sum += digitAt(value, at) * (count + 1 - at);
    return ((sum * 10) % 11) % 10;
  };
  return digit(9) === digitAt(value, 9) && digit(10) === digitAt(value, 10);
}

function brazilianCompany(value: string): boolean {
  if (/^(\d)\1{13}$/.test(value)) return false;
  const first = [5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2];
  const digit = (weights: readonly number[]): number => {
    const rest = weighted(value, weights) % 11;
    return rest < 2 ? 0 : 11 - rest;
  };
  return digit(first) === digitAt(value, 12) && digit([6, ...first]) === digitAt(value, 13);
}

function french(value: string): boolean {
  const body = value.slice(0, 13).replace('2A', '19').replace('2B', '18');
  const month = range(value, 3, 5);
  if (
    !/^\d{13}$/.test(body) ||
    !((month >= 1 && month <= 12) || month === 20 || (month >= 30 && month <= 42) || month >= 50)
  )
    return false;
  return 97 - remainder(body, 97) === range(value, 13, 15);
}

function belgian(value: string): boolean {
  const check = range(value, 9, 11);
  const month = range(value, 2, 4) % 20;
  if (month > 12) return false;
  return 97 - remainder(value.slice(0, 9), 97) === check || 97 - remainder(`2${value.slice(0, 9)}`, 97) === check;
}

function finnish(value: string): boolean {
  const signs = '0123456789ABCDEFHJKLMNPRSTUVWXY';
  const number = Number(value.slice(0, 6) + value.slice(7, 10));
  return isDay(range(value, 0, 2), range(value, 2, 4)) && signs[number % 31] === value[10];
}

function swedish(value: string): boolean {
  const ten = value.slice(-10);
  const day = range(ten, 4, 6);
  return isDay(day > 60 ? day - 60 : day, range(ten, 2, 4)) && luhn(ten);
}

function norwegian(value: string): boolean {
  const day = range(value, 0, 2);
  if (!isDay(day > 40 ? day - 40 : day, range(value, 2, 4) % 40)) return false;
  return (
    (weighted(value, [3, 7, 6, 1, 8, 9, 4, 5, 2, 1]) % 11) +
      (weighted(value, [5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1]) % 11) ===
    0
  );
}

function danish(value: string): boolean {
  return isDay(range(value, 0, 2), range(value, 2, 4));
}

function polish(value: string): boolean {
  if (!isDay(range(value, 4, 6), range(value, 2, 4) % 20)) return false;
  return weighted(value, [1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1]) % 10 === 0;
}

function czech(value: string): boolean {
  const month = range(value, 2, 4);
  const real = month > 70 ? month - 70 : month > 50 ? month - 50 : month > 20 ? month - 20 : month;
  return (
    isDay(range(value, 4, 6), real) &&
    (value.length === 9 || Number(value) % 11 === 0 || Number(value.slice(0, 9)) % 11 === 10)
  );
}

function baltic(value: string): boolean {
  if (!isDay(range(value, 5, 7), range(value, 3, 5))) return false;
  const first = weighted(value, [1, 2, 3, 4, 5, 6, 7, 8, 9, 1]) % 11;
  const second = weighted(value, [3, 4, 5, 6, 7, 8, 9, 1, 2, 3]) % 11;
  return (first < 10 ? first : second % 10) === digitAt(value, 10);
}

function romanian(value: string): boolean {
  if (!isDay(range(value, 5, 7), range(value, 3, 5))) return false;
  const rest = weighted(value, [2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9]) % 11;
  return (rest === 10 ? 1 : rest) === digitAt(value, 12);
}

function bulgarian(value: string): boolean {
  const month = range(value, 2, 4);
  if (!isDay(range(value, 4, 6), month > 40 ? month - 40 : month > 20 ? month - 20 : month)) return false;
  return (weighted(value, [2, 4, 8, 5, 10, 9, 7, 3, 6]) % 11) % 10 === digitAt(value, 9);
}

function greek(value: string): boolean {
  return (weighted(value, [256, 128, 64, 32, 16, 8, 4, 2]) % 11) % 10 === digitAt(value, 8);
}

function portuguese(value: string): boolean {
  const rest = weighted(value, [9, 8, 7, 6, 5, 4, 3, 2]) % 11;
  return (rest < 2 ? 0 : 11 - rest) === digitAt(value, 8);
}

function dutch(value: string): boolean {
  return !/^(\d)\1+$/.test(value) && weighted(value, [9, 8, 7, 6, 5, 4, 3, 2, -1]) % 11 === 0;
}

function irish(value: string): boolean {
  const letters = 'WABCDEFGHIJKLMNOPQRSTUV';
  const second = value[8] === undefined ? 0 : letters.indexOf(value[8]) * 9;
  return letters[(weighted(value, [8, 7, 6, 5, 4, 3, 2]) + second) % 23] === value[7];
}

function swiss(value: string): boolean {
  return (10 - (weighted(value, [1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3]) % 10)) % 10 === digitAt(value, 12);
}

function austrian(value: string): boolean {
  return (
    weighted(value, [3, 7, 9, 0, 5, 8, 4, 2, 1, 6]) % 11 === digitAt(value, 3) &&
    isDay(range(value, 4, 6), range(value, 6, 8) % 12 || 12)
  );
}

function nhs(value: string): boolean {
  const rest = 11 - (weighted(value, [10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11);
  return (rest === 11 ? 0 : rest) === digitAt(value, 9);
}

function socialSecurity(value: string): boolean {
  const area = range(value, 0, 3);
  const known = ['078051120', '219099999', '123456789', '111111111', '987654321'];
  return (
    area > 0 && area < 900 && area !== 666 && range(value, 3, 5) > 0 && range(value, 5, 9) > 0 && !known.includes(value)
  );
}

function southAfrican(value: string): boolean {
  return isDay(range(value, 4, 6), range(value, 2, 4)) && luhn(value);
}

function chinese(value: string): boolean {
  const weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
  if (!isDay(range(value, 12, 14), range(value, 10, 12)) || !/^(?:18|19|20)/.test(value.slice(6))) return false;
  return '10X98765432'[weighted(value, weights) % 11] === value[17];
}

function korean(value: string): boolean {
  if (!isDay(range(value, 4, 6), range(value, 2, 4))) return false;
  return (11 - (weighted(value, [2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5]) % 11)) % 10 === digitAt(value, 12);
}

function japanese(value: string): boolean {
  const rest = weighted(value, [6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11;
  return (rest <= 1 ? 0 : 11 - rest) === digitAt(value, 11);
}

function taiwanese(value: string): boolean {
  const code = 10 + 'ABCDEFGHJKLMNPQRSTUVXYWZIO'.indexOf(value[0] ?? '');
  return (Math.floor(code / 10) + (code % 10) * 9 + weighted(value.slice(1), [8, 7, 6, 5, 4, 3, 2, 1, 1])) % 10 === 0;
}

function singaporean(value: string): boolean {
  const sum = weighted(value.slice(1), [2, 7, 6, 5, 4, 3, 2]);
  const first = value[0] ?? '';
  if (first === 'M') return 'XWUTRQPNJLK'[10 - ((sum + 3) % 11)] === value[8];
  const offset = first === 'T' || first === 'G' ? 4 : 0;
  return ('ST'.includes(first) ? 'JZIHGFEDCBA' : 'XWUTRQPNMLK')[(sum + offset) % 11] === value[8];
}

function hongKong(value: string): boolean {
  const padded = value.padStart(9, ' ');
  let sum = 0;
  for (let at = 0; at < 8; at++) {
    const sign = padded[at] ?? ' ';
    sum += (9 - at) * (sign === ' ' ? 36 : sign >= 'A' ? sign.charCodeAt(0) - 55 : Number(sign));
  }
  const last = padded[8] === 'A' ? 10 : Number(padded[8]);
  return (sum + last) % 11 === 0;
}

function thai(value: string): boolean {
  return (11 - (weighted(value, [13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11)) % 10 === digitAt(value, 12);
}

function turkish(value: string): boolean {
  const odd = weighted(value, [1, 0, 1, 0, 1, 0, 1, 0, 1]);
  const even = weighted(value, [0, 1, 0, 1, 0, 1, 0, 1]);
  return (
    (((odd * 7 - even) % 10) + 10) % 10 === digitAt(value, 9) &&
    (odd + even + digitAt(value, 9)) % 10 === digitAt(value, 10)
  );
}

function australianTax(value: string): boolean {
  return weighted(value, [1, 4, 3, 7, 5, 8, 6, 9, 10]) % 11 === 0;
}

function australianHealth(value: string): boolean {
  return weighted(value, [1, 3, 7, 9, 1, 3, 7, 9]) % 10 === digitAt(value, 8);
}

function newZealand(value: string): boolean {
  const eight = value.padStart(9, '0');
  const check = (weights: readonly number[]): number => (11 - (weighted(eight, weights) % 11)) % 11;
  const first = check([3, 2, 7, 6, 5, 4, 3, 2]);
  return (first < 10 ? first : check([7, 4, 3, 2, 5, 2, 7, 6])) === digitAt(eight, 8);
}

function chilean(value: string): boolean {
  const body = value.slice(0, -1);
  let sum = 0;
  for (let at = 0; at < body.length; at++) sum += digitAt(body, body.length - 1 - at) * (2 + (at % 6));
  return '0K987654321'[sum % 11] === value.at(-1);
}

function argentinian(value: string): boolean {
  const rest = 11 - (weighted(value, [5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11);
  return (rest === 11 ? 0 : rest === 10 ? 9 : rest) === digitAt(value, 10);
}

function russian(value: string): boolean {
  const check = (weights: readonly number[]): number => (weighted(value, weights) % 11) % 10;
  const eleventh = [7, 2, 4, 10, 3, 5, 9, 4, 6, 8];
  return check(eleventh) === digitAt(value, 10) && check([3, ...eleventh]) === digitAt(value, 11);
}

function russianPension(value: string): boolean {
  const rest = weighted(value, [9, 8, 7, 6, 5, 4, 3, 2, 1]) % 101;
  return (rest === 100 ? 0 : rest) === range(value, 9, 11);
}

function israeli(value: string): boolean {
  return luhn(value.padStart(9, '0'));
}

const mexicanSigns = '0123456789ABCDEFGHIJKLMNÑOPQRSTUVWXYZ';

function mexican(value: string): boolean {
  let sum = 0;
  for (let at = 0; at < 17; at++) sum += mexicanSigns.indexOf(value[at] ?? '') * (18 - at);
  return isDay(range(value, 8, 10), range(value, 6, 8)) && (10 - (sum % 10)) % 10 === digitAt(value, 17);
}

const row = (id: string, summary: string, form: RegExp, check: Identifier['check'], words: string): Identifier => ({
  id,
  summary,
  form,
  check,
  words: words.split('|'),
});

export const identifiers: readonly Identifier[] = [
  row(
    'us-ssn',
    'US social security number',
    /\d{3}[- ]?\d{2}[- ]?\d{4}/,
    socialSecurity,
    'ssn|social security|seguro social',
  ),
  row('us-itin', 'US individual taxpayer number', /9\d{2}[- ]?[5-9]\d[- ]?\d{4}/, () => true, 'itin|taxpayer'),
  row(
    'ca-sin',
    'Canadian social insurance number',
    /\d{3}[- ]?\d{3}[- ]?\d{3}/,
    luhn,
    'sin |sin:|sin"|social insurance|assurance sociale|nas ',
  ),
  row('gb-nhs', 'NHS number', /\d{3}[- ]?\d{3}[- ]?\d{4}/, nhs, 'nhs'),
  row('ie-pps', 'Irish PPS number', /\d{7}[A-W][A-IW]?/, irish, 'pps'),
  row(
    'fr-nir',
    'French social security number',
    /[1-478] ?\d{2} ?\d{2} ?(?:\d{2}|2[AB]) ?\d{3} ?\d{3} ?\d{2}/,
    french,
    'nir|secu|securite sociale|social security|assure',
  ),
  row(
    'de-tax',
    'German tax identification number',
    /[1-9]\d ?\d{3} ?\d{3} ?\d{3}/,
    mod11Of10,
    'steuer|idnr|tin|tax id|identifikationsnummer',
  ),
  row(
    'es-dni',
    'Spanish DNI or NIE',
    /(?:\d{8}|[XYZ]\d{7})[- ]?[A-HJ-NP-TV-Z]/,
    spanish,
    'dni|nie|nif|identidad|identity|documento',
  ),
  row('pt-nif', 'Portuguese NIF', /[1235689]\d{2} ?\d{3} ?\d{3}/, portuguese, 'nif|contribuinte'),
  row(
    'nl-bsn',
    'Dutch citizen service number',
    /\d{9}|\d{4}[. ]\d{2}[. ]\d{3}/,
    dutch,
    'bsn|burgerservice|sofi|citizen service',
  ),
  row(
    'be-rrn',
    'Belgian national number',
    /\d{2}[. ]?\d{2}[. ]?\d{2}[- ]?\d{3}[. ]?\d{2}/,
    belgian,
    'rijksregister|registre national|nationaal|national number|insz|niss|rrn',
  ),
  row('ch-ahv', 'Swiss AHV number', /756[. ]?\d{4}[. ]?\d{4}[. ]?\d{2}/, swiss, 'ahv|avs|sozialversicherung|social'),
  row(
    'at-svnr',
    'Austrian insurance number',
    /\d{4}[ /]?\d{6}/,
    austrian,
    'svnr|sozialversicherung|sv-nr|versicherungsnummer',
  ),
  row('pl-pesel', 'Polish PESEL', /\d{11}/, polish, 'pesel'),
  row('cz-rc', 'Czech or Slovak birth number', /\d{6}\/?\d{3,4}/, czech, 'rodne|rodné|birth number|r.č'),
  row('ro-cnp', 'Romanian CNP', /[1-9]\d{12}/, romanian, 'cnp|cod numeric'),
  row('bg-egn', 'Bulgarian EGN', /\d{10}/, bulgarian, 'egn|егн'),
  row('gr-afm', 'Greek tax number', /\d{9}/, greek, 'afm|αφμ'),
  row('hr-oib', 'Croatian OIB', /\d{11}/, mod11Of10, 'oib'),
  row('ee-ik', 'Estonian or Lithuanian personal code', /[1-6]\d{10}/, baltic, 'isikukood|asmens kodas|personal code'),
  row('se-pnr', 'Swedish personal number', /(?:\d{2})?\d{6}[-+]?\d{4}/, swedish, 'personnummer|personal number|pnr'),
  row(
    'no-fnr',
    'Norwegian birth number',
    /\d{6} ?\d{5}/,
    norwegian,
    'fodselsnummer|fødselsnummer|personnummer|fnr|national id',
  ),
  row('dk-cpr', 'Danish CPR number', /\d{6}-?\d{4}/, danish, 'cpr'),
  row(
    'fi-hetu',
    'Finnish personal identity code',
    /\d{6}[-+A-FU-Y]\d{3}[0-9A-FHJ-NPR-Y]/,
    finnish,
    'hetu|henkilotunnus|henkilötunnus|identity code',
  ),
  row(
    'it-cf',
    'Italian fiscal code',
    /[A-Z]{6}\d{2}[ABCDEHLMPRST]\d{2}[A-Z]\d{3}[A-Z]/,
    italian,
    'codice fiscale|fiscale|fiscal code|cf|c.f.',
  ),
  row('br-cpf', 'Brazilian CPF', /\d{3}\.?\d{3}\.?\d{3}-?\d{2}/, brazilianPerson, 'cpf'),
  row('br-cnpj', 'Brazilian CNPJ', /\d{2}\.?\d{3}\.?\d{3}\/?\d{4}-?\d{2}/, brazilianCompany, 'cnpj'),
  row('cl-rut', 'Chilean RUT', /\d{1,2}\.?\d{3}\.?\d{3}-[\dKk]/, chilean, 'rut|run '),
  row('ar-cuit', 'Argentinian CUIT or CUIL', /(?:20|2[3-7]|30|33|34)-?\d{8}-?\d/, argentinian, 'cuit|cuil'),
  row('mx-curp', 'Mexican CURP', /[A-Z]{4}\d{6}[HMX][A-Z]{5}[A-Z0-9]\d/, mexican, 'curp|poblacion|población'),
  row('ru-inn', 'Russian taxpayer number', /\d{12}/, russian, 'инн|inn'),
  row('ru-snils', 'Russian SNILS', /\d{3}-?\d{3}-?\d{3}[- ]?\d{2}/, russianPension, 'снилс|snils'),
  row('in-aadhaar', 'Indian Aadhaar number', /[2-9]\d{3}[ -]?\d{4}[ -]?\d{4}/, verhoeff, 'aadhaar|aadhar|uid|आधार'),
  row('in-pan', 'Indian PAN', /[A-Z]{3}[ABCFGHLJPT][A-Z]\d{4}[A-Z]/, () => true, 'pan |pan:|pan"|permanent account'),
  row('cn-id', 'Chinese resident identity number', /[1-9]\d{16}[\dX]/, chinese, '身份证|identity|id card|resident'),
  row(
    'tw-id',
    'Taiwanese national identity number',
    /[A-Z][1289]\d{8}/,
    taiwanese,
    '身分證|national id|identity|taiwan',
  ),
  row(
    'hk-id',
    'Hong Kong identity card',
    /[A-Z]{1,2}\d{6}\(?[\dA]\)?/,
    hongKong,
    'hkid|identity card|身份證|hong kong',
  ),
  row(
    'jp-my-number',
    'Japanese My Number',
    /\d{4}[ -]?\d{4}[ -]?\d{4}/,
    japanese,
    'マイナンバー|my number|mynumber|個人番号',
  ),
  row(
    'kr-rrn',
    'Korean resident registration number',
    /\d{6}-?[1-8]\d{6}/,
    korean,
    '주민등록|주민|rrn|resident registration',
  ),
  row('sg-nric', 'Singaporean NRIC or FIN', /[STFGM]\d{7}[A-Z]/, singaporean, 'nric|fin|singapore|identity'),
  row('th-id', 'Thai national identity number', /\d-?\d{4}-?\d{5}-?\d{2}-?\d/, thai, 'บัตรประชาชน|thai|national id'),
  row('tr-tckn', 'Turkish identity number', /[1-9]\d{10}/, turkish, 'tckn|kimlik|t.c.|tc no'),
  row('il-id', 'Israeli identity number', /\d{9}/, israeli, 'תעודת זהות|teudat|israeli id'),
  row(
    'za-id',
    'South African identity number',
    /\d{6} ?\d{4} ?\d{2} ?\d/,
    southAfrican,
    'id number|identity|south africa|sa id|rsa id|id no',
  ),
  row('au-tfn', 'Australian tax file number', /\d{3} ?\d{3} ?\d{3}/, australianTax, 'tfn|tax file'),
  row('au-medicare', 'Australian Medicare number', /[2-6]\d{3} ?\d{5} ?\d/, australianHealth, 'medicare'),
  row('nz-ird', 'New Zealand IRD number', /\d{2,3}-?\d{3}-?\d{3}/, newZealand, 'ird'),
];
