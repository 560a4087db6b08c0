/** Server-sent events as the gateway writes them. */

/** One JSON-RPC message as an event. JSON text holds no line break, so one data line is enough. */
export function eventText(message: string): string {
  return `event: message\ndata: ${message}\n\n`;
}

/** A comment that keeps proxies from closing an idle stream. Readers must ignore it. */
export const keepAliveText = ':\r\n\r\n';
