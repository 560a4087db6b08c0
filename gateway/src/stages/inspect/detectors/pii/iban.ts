/** International bank account numbers: ISO 13616, with the length of each country. */
import type { Matcher } from '../detector.ts';
import { isIn } from '../engine/alphabet.ts';
import { mod97 } from './checks.ts';

const lengths =
  'AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30';
const lengthOf = new Map(lengths.split(' ').map((each) => [each.slice(0, 2), Number(each.slice(2))]));
/** What standards, banks and documentation print. */
const printed = new Set([
  'GB29NWBK60161331926819',
  'DE89370400440532013000',
  'FR1420041010050500013M02606',
  'GB82WEST12345698765432',
  'NL91ABNA0417164300',
  'ES9121000418450200051332',
  'BE68539007547034',
  'NO9386011117947',
  'CY17002001280000001200527600',
  'MT84MALT011000012345MTLCAST001S',
]);

/** Digits follow the country: the anchor is each country with each digit. */
const anchors = [...lengthOf.keys()].flatMap((country) => Array.from('0123456789', (digit) => country + digit));

export const iban: Matcher = {
  anchors,
  joins: true,
  find({ text, isSeam }, from) {
    const length = lengthOf.get(text.slice(from, from + 2).toUpperCase());
    if (length === undefined || (isIn(text.charCodeAt(from - 1), 'w') && !isSeam(from))) return undefined;
    let value = '';
    let to = from;
    for (; value.length < length && to < text.length; to++) {
      const sign = text[to] ?? '';
      if (isIn(text.charCodeAt(to), 'a')) value += sign;
      else if ((sign !== ' ' && sign !== '-' && sign !== '\u00a0') || value.length % 4 !== 0) return undefined;
    }
    if (value.length < length || (isIn(text.charCodeAt(to), 'a') && !isSeam(to))) return undefined;
    const plain = value.toUpperCase();
    // ISO 7064 gives 02 to 98.
    if (/^..(?:00|01|99)|0{9}/.test(plain)) return undefined;
    if (printed.has(plain) || mod97(plain.slice(4) + plain.slice(0, 4)) !== 1) return undefined;
    return { class: 'iban', from, to, confidence: 0.98, checksum: 'valid' };
  },
};
