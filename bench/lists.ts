/** Lists of 10 and 1,000 tools, of which a rule hides every second one: how many the gateway answers in a second. */
import { type Cell, measure, summarise } from './measure.ts';
import { request } from './message.ts';
import { benchSettings } from './profiles.ts';
import { startPinned } from './subjects.ts';
import type { Upstream } from './upstream.ts';

export interface ListRow {
  readonly tools: number;
  readonly cell: Cell;
}

export async function runLists(upstream: Upstream, seconds: number): Promise<readonly ListRow[]> {
  const rows: ListRow[] = [];
  for (const tools of [10, 1_000]) {
    const url = upstream.url(`list-${tools}`);
    const { gateway, headers } = await startPinned(benchSettings({ url, keyed: true, rules: [{ allow: 'shown_*' }] }), {
      keyed: true,
    });
    await using _ = gateway;
    const target = {
      url: gateway.endpoint('bench'),
      pid: gateway.pid,
      request: request('tools/list', {}, headers),
      connections: 32,
      seconds,
      // Half of the tools, each well above 300 bytes: a shorter answer is not the list.
      least: tools * 150,
    };
    await measure(target);
    rows.push({ tools, cell: summarise([await measure(target), await measure(target)]) });
  }
  return rows;
}
