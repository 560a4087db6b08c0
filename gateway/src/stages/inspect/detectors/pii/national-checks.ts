/** Check digits of each country's identifiers, from what its authority publishes. The value has no separators. */
import { digitAt, isDay, luhn, remainder, weighted } from './checks.ts';

const range = (digits: string, from: number, to: number): number => Number(digits.slice(from, to));

export function spanish(value: string): boolean {
  const letters = 'TRWAGMYFPDXBNJZSQVHLCKE';
  const number = value.replace(/^X/, '0').replace(/^Y/, '1').replace(/^Z/, '2').slice(0, 8);
  return letters[Number(number) % 23] === value[8];
}

const italianOdd: Readonly<Record<string, number>> = Object.fromEntries(
  Array.from('0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ', (sign, at) => {
    const odd = [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23];
    return [sign, at < 10 ? (odd[at] ?? 0) : (odd[at - 10] ?? 0)];
  }),
);

export function italian(value: string): boolean {
  let sum = 0;
  for (let at = 0; at < 15; at++) {
    const sign = value[at] ?? '';
    sum += at % 2 === 0 ? (italianOdd[sign] ?? 0) : sign >= 'A' ? sign.charCodeAt(0) - 65 : Number(sign);
  }
  return String.fromCharCode(65 + (sum % 26)) === value[15];
}

export function brazilianPerson(value: string): boolean {
  if (/^(\d)\1{10}$/.test(value)) return false;
  const digit = (count: number): number => {
    let sum = 0;
    for (let at = 0; at < count; at++) sum += digitAt(value, at) * (count + 1 - at);
    return ((sum * 10) % 11) % 10;
  };
  return digit(9) === digitAt(value, 9) && digit(10) === digitAt(value, 10);
}

export function brazilianCompany(value: string): boolean {
  if (/^(\d)\1{13}$/.test(value)) return false;
  const first = [5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2];
  const digit = (weights: readonly number[]): number => {
    const rest = weighted(value, weights) % 11;
    return rest < 2 ? 0 : 11 - rest;
  };
  return digit(first) === digitAt(value, 12) && digit([6, ...first]) === digitAt(value, 13);
}

export function french(value: string): boolean {
  const body = value.slice(0, 13).replace('2A', '19').replace('2B', '18');
  const month = range(value, 3, 5);
  if (
    !/^\d{13}$/.test(body) ||
    !((month >= 1 && month <= 12) || month === 20 || (month >= 30 && month <= 42) || month >= 50)
  )
    return false;
  return 97 - remainder(body, 97) === range(value, 13, 15);
}

export function belgian(value: string): boolean {
  const check = range(value, 9, 11);
  const month = range(value, 2, 4) % 20;
  if (month > 12) return false;
  return 97 - remainder(value.slice(0, 9), 97) === check || 97 - remainder(`2${value.slice(0, 9)}`, 97) === check;
}

export function finnish(value: string): boolean {
  const signs = '0123456789ABCDEFHJKLMNPRSTUVWXY';
  const number = Number(value.slice(0, 6) + value.slice(7, 10));
  return isDay(range(value, 0, 2), range(value, 2, 4)) && signs[number % 31] === value[10];
}

export function swedish(value: string): boolean {
  const ten = value.slice(-10);
  const day = range(ten, 4, 6);
  return isDay(day > 60 ? day - 60 : day, range(ten, 2, 4)) && luhn(ten);
}

export function norwegian(value: string): boolean {
  const day = range(value, 0, 2);
  if (!isDay(day > 40 ? day - 40 : day, range(value, 2, 4) % 40)) return false;
  return (
    (weighted(value, [3, 7, 6, 1, 8, 9, 4, 5, 2, 1]) % 11) +
      (weighted(value, [5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1]) % 11) ===
    0
  );
}

export function danish(value: string): boolean {
  return isDay(range(value, 0, 2), range(value, 2, 4));
}

export function polish(value: string): boolean {
  if (!isDay(range(value, 4, 6), range(value, 2, 4) % 20)) return false;
  return weighted(value, [1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1]) % 10 === 0;
}

export function czech(value: string): boolean {
  const month = range(value, 2, 4);
  const real = month > 70 ? month - 70 : month > 50 ? month - 50 : month > 20 ? month - 20 : month;
  return (
    isDay(range(value, 4, 6), real) &&
    (value.length === 9 || Number(value) % 11 === 0 || Number(value.slice(0, 9)) % 11 === 10)
  );
}

export function baltic(value: string): boolean {
  if (!isDay(range(value, 5, 7), range(value, 3, 5))) return false;
  const first = weighted(value, [1, 2, 3, 4, 5, 6, 7, 8, 9, 1]) % 11;
  const second = weighted(value, [3, 4, 5, 6, 7, 8, 9, 1, 2, 3]) % 11;
  return (first < 10 ? first : second % 10) === digitAt(value, 10);
}

export function romanian(value: string): boolean {
  if (!isDay(range(value, 5, 7), range(value, 3, 5))) return false;
  const rest = weighted(value, [2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9]) % 11;
  return (rest === 10 ? 1 : rest) === digitAt(value, 12);
}

export function bulgarian(value: string): boolean {
  const month = range(value, 2, 4);
  if (!isDay(range(value, 4, 6), month > 40 ? month - 40 : month > 20 ? month - 20 : month)) return false;
  return (weighted(value, [2, 4, 8, 5, 10, 9, 7, 3, 6]) % 11) % 10 === digitAt(value, 9);
}

export function greek(value: string): boolean {
  return (weighted(value, [256, 128, 64, 32, 16, 8, 4, 2]) % 11) % 10 === digitAt(value, 8);
}

export function portuguese(value: string): boolean {
  const rest = weighted(value, [9, 8, 7, 6, 5, 4, 3, 2]) % 11;
  return (rest < 2 ? 0 : 11 - rest) === digitAt(value, 8);
}

export function dutch(value: string): boolean {
  return !/^(\d)\1+$/.test(value) && weighted(value, [9, 8, 7, 6, 5, 4, 3, 2, -1]) % 11 === 0;
}

export function irish(value: string): boolean {
  const letters = 'WABCDEFGHIJKLMNOPQRSTUV';
  const second = value[8] === undefined ? 0 : letters.indexOf(value[8]) * 9;
  return letters[(weighted(value, [8, 7, 6, 5, 4, 3, 2]) + second) % 23] === value[7];
}

export function swiss(value: string): boolean {
  return (10 - (weighted(value, [1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3]) % 10)) % 10 === digitAt(value, 12);
}

export function austrian(value: string): boolean {
  return (
    weighted(value, [3, 7, 9, 0, 5, 8, 4, 2, 1, 6]) % 11 === digitAt(value, 3) &&
    isDay(range(value, 4, 6), range(value, 6, 8) % 12 || 12)
  );
}

export function nhs(value: string): boolean {
  const rest = 11 - (weighted(value, [10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11);
  return (rest === 11 ? 0 : rest) === digitAt(value, 9);
}

export function socialSecurity(value: string): boolean {
  const area = range(value, 0, 3);
  const known = ['078051120', '219099999', '123456789', '111111111', '987654321'];
  return (
    area > 0 && area < 900 && area !== 666 && range(value, 3, 5) > 0 && range(value, 5, 9) > 0 && !known.includes(value)
  );
}

export function southAfrican(value: string): boolean {
  return isDay(range(value, 4, 6), range(value, 2, 4)) && luhn(value);
}

export function chinese(value: string): boolean {
  const weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
  if (!isDay(range(value, 12, 14), range(value, 10, 12)) || !/^(?:18|19|20)/.test(value.slice(6))) return false;
  return '10X98765432'[weighted(value, weights) % 11] === value[17];
}

export function korean(value: string): boolean {
  if (!isDay(range(value, 4, 6), range(value, 2, 4))) return false;
  return (11 - (weighted(value, [2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5]) % 11)) % 10 === digitAt(value, 12);
}

export function japanese(value: string): boolean {
  const rest = weighted(value, [6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11;
  return (rest <= 1 ? 0 : 11 - rest) === digitAt(value, 11);
}

export function taiwanese(value: string): boolean {
  const code = 10 + 'ABCDEFGHJKLMNPQRSTUVXYWZIO'.indexOf(value[0] ?? '');
  return (Math.floor(code / 10) + (code % 10) * 9 + weighted(value.slice(1), [8, 7, 6, 5, 4, 3, 2, 1, 1])) % 10 === 0;
}

export function singaporean(value: string): boolean {
  const sum = weighted(value.slice(1), [2, 7, 6, 5, 4, 3, 2]);
  const first = value[0] ?? '';
  if (first === 'M') return 'XWUTRQPNJLK'[10 - ((sum + 3) % 11)] === value[8];
  const offset = first === 'T' || first === 'G' ? 4 : 0;
  return ('ST'.includes(first) ? 'JZIHGFEDCBA' : 'XWUTRQPNMLK')[(sum + offset) % 11] === value[8];
}

export function hongKong(value: string): boolean {
  const padded = value.padStart(9, ' ');
  let sum = 0;
  for (let at = 0; at < 8; at++) {
    const sign = padded[at] ?? ' ';
    sum += (9 - at) * (sign === ' ' ? 36 : sign >= 'A' ? sign.charCodeAt(0) - 55 : Number(sign));
  }
  const last = padded[8] === 'A' ? 10 : Number(padded[8]);
  return (sum + last) % 11 === 0;
}

export function thai(value: string): boolean {
  return (11 - (weighted(value, [13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11)) % 10 === digitAt(value, 12);
}

export function turkish(value: string): boolean {
  const odd = weighted(value, [1, 0, 1, 0, 1, 0, 1, 0, 1]);
  const even = weighted(value, [0, 1, 0, 1, 0, 1, 0, 1]);
  return (
    (((odd * 7 - even) % 10) + 10) % 10 === digitAt(value, 9) &&
    (odd + even + digitAt(value, 9)) % 10 === digitAt(value, 10)
  );
}

export function australianTax(value: string): boolean {
  return weighted(value, [1, 4, 3, 7, 5, 8, 6, 9, 10]) % 11 === 0;
}

export function australianHealth(value: string): boolean {
  return weighted(value, [1, 3, 7, 9, 1, 3, 7, 9]) % 10 === digitAt(value, 8);
}

export function newZealand(value: string): boolean {
  const eight = value.padStart(9, '0');
  const check = (weights: readonly number[]): number => (11 - (weighted(eight, weights) % 11)) % 11;
  const first = check([3, 2, 7, 6, 5, 4, 3, 2]);
  return (first < 10 ? first : check([7, 4, 3, 2, 5, 2, 7, 6])) === digitAt(eight, 8);
}

export function chilean(value: string): boolean {
  const body = value.slice(0, -1);
  let sum = 0;
  for (let at = 0; at < body.length; at++) sum += digitAt(body, body.length - 1 - at) * (2 + (at % 6));
  return '0K987654321'[sum % 11] === value.at(-1);
}

export function argentinian(value: string): boolean {
  const rest = 11 - (weighted(value, [5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11);
  return (rest === 11 ? 0 : rest === 10 ? 9 : rest) === digitAt(value, 10);
}

export function russian(value: string): boolean {
  const check = (weights: readonly number[]): number => (weighted(value, weights) % 11) % 10;
  const eleventh = [7, 2, 4, 10, 3, 5, 9, 4, 6, 8];
  return check(eleventh) === digitAt(value, 10) && check([3, ...eleventh]) === digitAt(value, 11);
}

export function russianPension(value: string): boolean {
  const rest = weighted(value, [9, 8, 7, 6, 5, 4, 3, 2, 1]) % 101;
  return (rest === 100 ? 0 : rest) === range(value, 9, 11);
}

export function israeli(value: string): boolean {
  return luhn(value.padStart(9, '0'));
}

const mexicanSigns = '0123456789ABCDEFGHIJKLMNÑOPQRSTUVWXYZ';

export function mexican(value: string): boolean {
  let sum = 0;
  for (let at = 0; at < 17; at++) sum += mexicanSigns.indexOf(value[at] ?? '') * (18 - at);
  return isDay(range(value, 8, 10), range(value, 6, 8)) && (10 - (sum % 10)) % 10 === digitAt(value, 17);
}
