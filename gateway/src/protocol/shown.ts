/**
 * How text of others is shown: on terminals, in the log, in exports. Characters that act instead of being seen (C0, C1,
 * bidirectional controls, breaks of lines, tags, halves of surrogate pairs) are written as `\uXXXX`, which is what JSON
 * calls them as well, so that JSON stays what it was.
 */

/** All but the break of a line, which our own texts have, and the tab. */
const acting =
  // oxlint-disable-next-line no-control-regex -- these are what it is about
  /[\0-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u115f\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]|\p{Cs}/gu;
const breaking = /[\t\n]/g;

/** A text of several lines whose breaks are ours. Costs one look where there is nothing to do. */
export function shown(text: string): string {
  return text.replace(acting, escaped);
}

/** A text of others within a line: it cannot begin a line of its own. */
export function shownInLine(text: string): string {
  return shown(text).replace(breaking, escaped);
}

function escaped(found: string): string {
  return Array.from({ length: found.length }, (_, at) => {
    const unit = found.charCodeAt(at);
    return unit === 10 ? '\\n' : unit === 9 ? '\\t' : `\\u${unit.toString(16).padStart(4, '0')}`;
  }).join('');
}
