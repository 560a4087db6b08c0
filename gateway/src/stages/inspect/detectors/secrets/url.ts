/** Passwords in URLs, in headers and on command lines. */
import type { Hit, Matcher } from '../detector.ts';
import { runEnd } from '../engine/alphabet.ts';
import { isPlaceholder } from './plausible.ts';

const maxUserInfo = 256;
const ends = new Set('/ \t\r\n"\'`<>?#\\,;|');
const weak =
  /^(?:pass(?:word|wd)?\d{0,4}|pwd|secret|changeme|postgres|root|admin|test|guest|user(?:name)?|example|demo|foo|bar|baz|mysql|redis|mongo|dev|local(?:host)?|default|hunter2|p@ss(?:w0rd|word)|p|x+|[*.…]+|\.\.\.|token|key|api[_-]?key|db_?pass(?:word)?|my_?pass(?:word)?|mysecretpassword|string|value|pw|credentials?|\w{0,8}(?:pass(?:word)?|pwd|secret|key)_?\d{0,4}|\w{1,3})$/i;
const template = /[$<>{}[\]%]\{?[A-Z_a-z]|\{\{|^\$|^%[A-Z]|^:|^\(|\)$/;

export const credentialsInUrl: Matcher = {
  anchors: ['://'],
  joins: true,
  find({ text }, from, to) {
    let at = to;
    let last = -1;
    const most = Math.min(text.length, to + maxUserInfo);
    for (; at < most && !ends.has(text[at] ?? ''); at++) if (text[at] === '@') last = at;
    if (last < 0) return undefined;
    const colon = text.indexOf(':', to);
    if (colon < 0 || colon > last) return undefined;
    const password = text.slice(colon + 1, last);
    const user = text.slice(to, colon);
    const host = text.slice(last + 1, at);
    if (/^(?:anonymous|guest)$/i.test(user)) return undefined;
    if (password.length < 4 || weak.test(password) || template.test(password) || template.test(user)) return undefined;
    if (
      isPlaceholder(password) ||
      password.toLowerCase() === user.toLowerCase() ||
      /(?:^|\.)example\.|\.example$|\.invalid$/i.test(host)
    )
      return undefined;
    const scheme = /[a-z][a-z0-9+.-]{1,30}$/i.exec(text.slice(Math.max(0, from - 32), from))?.[0] ?? '';
    if (scheme === '' || !/^[\w.[\]-]+(?::|$)/.test(host)) return undefined;
    const web = /^(?:https?|ftps?|wss?|git|ssh)$/i.test(scheme);
    return {
      class: web ? 'url-password' : 'connection-string',
      from: colon + 1,
      to: last,
      confidence: /[0-9]/.test(password) ? 0.9 : 0.7,
    };
  },
};

/** RFC 7617: the text behind `Basic` is a user and a password around a colon. */
export const basicHeader: Matcher = {
  anchors: ['basic '],
  joins: true,
  find(view, _from, to) {
    const end = runEnd(view, 'B', to);
    if (end - to < 12 || end - to > 400) return undefined;
    const decoded = Buffer.from(view.text.slice(to, end), 'base64').toString('latin1');
    const colon = decoded.indexOf(':');
    if (colon < 0 || /[^\x20-\x7e]/.test(decoded)) return undefined;
    const password = decoded.slice(colon + 1);
    if (password.length < 4 || weak.test(password) || isPlaceholder(password) || template.test(password))
      return undefined;
    // The example of the standard.
    if (decoded === 'Aladdin:open sesame') return undefined;
    return { class: 'basic-header', from: to, to: end, confidence: 0.9 };
  },
};

const login = /[^\n]{0,120}?(?:-u|--user|--proxy-user)[ =]{1,2}["']?([\w.@-]{1,40}):([^\s"'@]{6,80})/y;
/** `mysql -pVALUE`, which has no blank, and `redis-cli -a VALUE`. */
const client = /(?:[^\n]{0,120}?[ ])??(?:-p|-a[ ]|--pass(?:word)?[= ])["']?([^\s"']{6,80})/y;
const sshpass = /[ ]{0,2}-p[ ]{0,2}["']?([^\s"']{6,80})/y;

/** `curl -u user:password`, `sshpass -p password`. */
export const commandLine: Matcher = {
  anchors: ['curl ', 'wget ', 'sshpass', 'mysql ', 'mysqldump ', 'mariadb ', 'redis-cli ', 'mongosh '],
  joins: false,
  find({ text }, from, to): Hit | undefined {
    const program = text.slice(from, to).toLowerCase();
    const pattern = program === 'sshpass' ? sshpass : /^[cw]/.test(program) ? login : client;
    pattern.lastIndex = to;
    const match = pattern.exec(text);
    const value = match?.[2] ?? match?.[1];
    if (match === null || value === undefined) return undefined;
    if (weak.test(value) || template.test(value) || isPlaceholder(value) || !/[0-9]/.test(value)) return undefined;
    const end = pattern.lastIndex;
    return { class: 'command-password', from: end - value.length, to: end, confidence: 0.75 };
  },
};
