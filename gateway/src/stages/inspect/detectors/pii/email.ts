/** E-mail addresses of people; not those of documentation and machines. */
import type { Matcher } from '../detector.ts';
import { isIn } from '../engine/alphabet.ts';

const maxLocal = 64;
const maxDomain = 253;
const files =
  /\.(?:png|jpe?g|gif|svg|webp|ico|js|mjs|cjs|ts|tsx|jsx|json|map|css|scss|less|html?|xml|ya?ml|txt|pdf|zip|gz|tgz|rb|go|java|sh|lock|log|so|dll|exe|wasm|vue|service|target|local|internal|lan|localhost|test|example|invalid|domain|arpa|onion)$/i;
/** RFC 2606 and what templates write. */
const documentation =
  /(?:^|\.)(?:example|test|sample|domain|yourdomain|yourcompany|mydomain|mycompany|company|acme|corp|host|hostname|server|site|website|foo|bar|contoso|fabrikam|northwind|localhost|somewhere|somehost|somedomain|placeholder|dummy|exemple|ejemplo|beispiel|esempio)\.[a-z]{2,4}(?:\.[a-z]{2})?$|^users\.noreply\.github\.com$|^(?:[a-z]|(?:x|y|z|a|b|c){2,3})\.[a-z]{2,3}$/i;
const machines =
  /^(?:no-?reply|do-?not-?reply|donotreply|mailer-daemon|postmaster|hostmaster|webmaster|bounces?|notifications?|alerts?|git|hg|svn|root|daemon|nobody|www-data|user(?:name)?|you|your[._-]?(?:name|email)?|my[._-]?(?:name|email)|name|email|someone|somebody|anyone|person|me|foo|bar|baz|test\w{0,6}|example|dummy|fake|placeholder|xxx+|abc|first\.?last|firstname\.?lastname|j(?:ohn|ane)\.?doe|recipient|sender|to|from|address|local(?:part)?)$/i;

function isLocal(code: number): boolean {
  return isIn(code, 't') || code === 43 || code === 37;
}

export const email: Matcher = {
  anchors: ['@'],
  joins: true,
  find({ text }, at) {
    let from = at;
    while (from > 0 && from > at - maxLocal - 1 && isLocal(text.charCodeAt(from - 1))) from--;
    let to = at + 1;
    while (to < text.length && to < at + maxDomain && (isIn(text.charCodeAt(to), 'b') || text[to] === '.')) to++;
    while (to > at && !isIn(text.charCodeAt(to - 1), 'a')) to--;
    while (from < at && '.-%'.includes(text[from] ?? '')) from++;
    if (at - from < 1 || at - from > maxLocal || to - at < 5 || text.startsWith('//', from - 2)) return undefined;
    if (text[from - 1] === '\\' && /[nrt]/.test(text[from] ?? '')) from++;
    const local = text.slice(from, at);
    const domain = text.slice(at + 1, to);
    if (
      !/^[a-z0-9](?:[a-z0-9-]{0,62}\.)+[a-z]{2,24}$/i.test(domain) &&
      !/^(?:[a-z0-9][a-z0-9-]{0,62}\.)+[a-z]{2,24}$/i.test(domain)
    )
      return undefined;
    if (domain.includes('..') || local.includes('..') || local.endsWith('.')) return undefined;
    // What stands behind a colon is a path of git, behind a slash of a registry.
    if (text[to] === ':' && /[\w~/]/.test(text[to + 1] ?? '') && /^(?:git|hg)/.test(local)) return undefined;
    if (files.test(domain) || documentation.test(domain) || machines.test(local)) return undefined;
    return { class: 'email', from, to, confidence: 0.95 };
  },
};
