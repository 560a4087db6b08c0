/** JSON pointers (RFC 6901), section 4: `~1` is a slash, and `~0` a tilde. */
export function partsOf(pointer: string): readonly string[] {
  return pointer
    .slice(1)
    .split('/')
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
}
