/** How much of long messages callers may have under way: their values are held until they are answered. */

/** Bytes from which a message counts. */
export const longMessageBytes = 16 * 1024;

/** Bytes of such messages: sixteen of the usual bound for one caller, and room for eight such callers. */
export const messageBounds = { maxOfOwner: 64 * 1024 * 1024, max: 512 * 1024 * 1024 } as const;
