/** Addresses of devices: IPv4 and IPv6 of the public internet, and MAC. Private and documentation ranges do not count. */
import { isIPv6 } from 'node:net';
import type { Hit, Matcher } from '../detector.ts';
import { isIn } from '../engine/alphabet.ts';

const four = /^(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)){3}(?![\w.-])/;
/** RFC 6890, RFC 5737, and the resolvers that everybody names. */
const benignFour =
  /^(?:0|10|127|169\.254|172\.(?:1[6-9]|2\d|3[01])|192\.168|192\.0\.[02]|198\.1[89]|198\.51\.100|203\.0\.113|100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7])|22[4-9]|2[345]\d)\.|^(?:8\.8\.[48]\.[48]|1\.[01]\.[01]\.[01]|9\.9\.9\.9|208\.67\.22[02]\.22[02]|1\.2\.3\.4|4\.3\.2\.1|168\.63\.129\.16)$/;

export const ipv4: Matcher = {
  shapes: ['number'],
  joins: false,
  find({ text }, from, to): Hit | undefined {
    if (to - from < 7 || isIn(text.charCodeAt(from - 1), 'w')) return undefined;
    const match = four.exec(text.slice(from, to + 2));
    if (match === null || benignFour.test(match[0]) || match[0].length < 10) return undefined;
    // Versions of programs have four numbers too.
    if (
      /(?:version|ver|v|release|build|chrome|safari|edg|firefox|section|sec|chapter|clause|article|figure|table|kapitel|abschnitt|oid|§)\S{0,2}[\s/:="']{0,3}$/i.test(
        text.slice(Math.max(0, from - 16), from),
      )
    )
      return undefined;
    return { class: 'ip-address', from, to: from + match[0].length, confidence: 0.8 };
  },
};

const benignSix = /^(?:::|0{1,4}:0{1,4}:|f[cdef]|2001:0?db8|64:ff9b|100::|2606:4700:4700|2001:4860:4860|2620:fe)/i;
const six = /[0-9a-f:.]{6,45}/iy;
const mac = /[0-9a-f]{2}([:-])[0-9a-f]{2}(?:\1[0-9a-f]{2}){4}(?![\w:-])/iy;
const benignMac =
  /^(?:00[:-]00[:-]00[:-]00|ff[:-]ff|00[:-]00[:-]5e[:-]00[:-]53|01[:-]23[:-]45|00[:-]11[:-]22[:-]33|11[:-]22[:-]33|12[:-]34[:-]56|01[:-]02[:-]03|08[:-]00[:-]2b|00[:-]1a[:-]2b|a1[:-]b2[:-]c3|aa[:-]bb[:-]cc|de[:-]ad[:-]be|ab[:-]cd[:-]ef|aa[:-]aa[:-]aa)/i;

/** Only at the first group: in later ones the character before is a colon. */
export const hexadecimal: Matcher = {
  shapes: ['colons'],
  joins: false,
  find({ text }, at): Hit | undefined {
    let from = at;
    while (from > at - 4 && isIn(text.charCodeAt(from - 1), 'H')) from--;
    const before = text.charCodeAt(from - 1);
    if (isIn(before, 'b') || before === 58 || before === 46) return undefined;
    mac.lastIndex = from;
    const device = mac.exec(text)?.[0];
    if (device !== undefined)
      return benignMac.test(device) || !/\d/.test(device)
        ? undefined
        : { class: 'mac-address', from, to: from + 17, confidence: 0.85 };
    six.lastIndex = from;
    const address = six.exec(text)?.[0].replace(/[:.]+$/, '') ?? '';
    if (isIn(text.charCodeAt(from + address.length), 'w') || !isIPv6(address) || benignSix.test(address))
      return undefined;
    if (address.split(':').filter((group) => group.length > 2).length < 3) return undefined;
    return { class: 'ip-address', from, to: from + address.length, confidence: 0.85 };
  },
};
