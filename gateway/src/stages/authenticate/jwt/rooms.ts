/** Tokens that may be under verification at the same time: an issuer that does not answer uses up its own room only. */

/** Of one issuer, and of the tokens that do not say of which they are; and of these, those from one address. */
export const maxVerifying = 1_000;
const maxOfSource = maxVerifying / 2;

export interface VerifyingRooms {
  /** What gives the room back; `undefined` where there is none. */
  enter(issuer: string, source: string): (() => void) | undefined;
}

export function verifyingRooms(): VerifyingRooms {
  const counts = new Map<string, number>();
  const take = (key: string, most: number): boolean => {
    const count = counts.get(key) ?? 0;
    if (count >= most) return false;
    counts.set(key, count + 1);
    return true;
  };
  const giveBack = (key: string): void => {
    const count = (counts.get(key) ?? 0) - 1;
    if (count > 0) counts.set(key, count);
    else counts.delete(key);
  };
  return {
    enter(issuer, source) {
      const share = `${issuer}\n${source}`;
      if (!take(issuer, maxVerifying)) return undefined;
      if (!take(share, maxOfSource)) {
        giveBack(issuer);
        return undefined;
      }
      return () => {
        giveBack(issuer);
        giveBack(share);
      };
    },
  };
}
