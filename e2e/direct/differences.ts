/** What may differ between a direct connection and one through the gateway, each with its reason. Nothing else may. */
import type { Happening, Recording } from './recording.ts';

type Members = Record<string, unknown>;

export interface Difference {
  readonly reason: string;
  /** Takes what may differ out of a recording; the same is done to both. */
  readonly without: (recording: Recording) => Recording;
}

const isMembers = (value: unknown): value is Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function eachResult(change: (result: Members, happening: Happening) => Members): Difference['without'] {
  return (recording) => ({
    ...recording,
    happenings: recording.happenings.map((happening) =>
      isMembers(happening.result) ? { ...happening, result: change(happening.result, happening) } : happening,
    ),
  });
}

function eachHappening(change: (happening: Happening) => Happening): Difference['without'] {
  return (recording) => ({ ...recording, happenings: recording.happenings.map(change) });
}

function withoutTokens(value: unknown): unknown {
  const text = JSON.stringify(value)
    .replaceAll(/,?"_meta":\{"progressToken":\d+\}/g, '')
    .replaceAll('{,', '{');
  return JSON.parse(text.replaceAll(/under token \d+/g, 'under a token')) as unknown;
}

function omit(members: Members, ...names: readonly string[]): Members {
  return Object.fromEntries(Object.entries(members).filter(([name]) => !names.includes(name)));
}

/** The demonstration server says this once it has the roots that it asks for when its session begins. */
function isAboutStart(told: unknown): boolean {
  const { message } = isMembers(told) ? told : {};
  return isMembers(message) && typeof message.data === 'string' && message.data.startsWith('Roots updated');
}

export const differences: readonly Difference[] = [
  {
    reason:
      'A log message that a server sends about its start reaches the client when it comes, during which call is chance.',
    without: eachHappening((happening) => ({
      ...happening,
      told: happening.told.filter((told) => !isAboutStart(told)),
    })),
  },
  {
    reason: 'Lists change with the policy as well, so that changes are always announced; extensions are not offered.',
    without: (recording) => ({
      ...recording,
      server: {
        ...recording.server,
        capabilities: Object.fromEntries(
          Object.entries(recording.server.capabilities ?? {})
            .filter(([name]) => !['logging', 'experimental', 'extensions', 'tasks'].includes(name))
            .map(([name, value]) => [name, isMembers(value) ? omit(value, 'listChanged') : value]),
        ),
      },
    }),
  },
  {
    reason: 'What is filtered for one caller must not be cached for another: lists say so.',
    without: eachResult((result) => omit(result, 'ttlMs', 'cacheScope')),
  },
  {
    reason: 'Lists come in one page.',
    without: eachResult((result) => omit(result, 'nextCursor')),
  },
  {
    reason: 'A server may not set keys of the protocol and of the trace in `_meta`; what stays empty is left out.',
    without: eachResult((result) => {
      const { _meta: meta, ...rest } = result;
      if (!isMembers(meta)) return result;
      const kept = Object.entries(meta).filter(([name]) => !/^(?:io\.modelcontextprotocol\/|trace|baggage)/.test(name));
      return kept.length === 0 ? rest : { ...rest, _meta: Object.fromEntries(kept) };
    }),
  },
  {
    reason: 'Tasks are not offered, so that a tool does not ask for them.',
    without: eachResult((result) =>
      Array.isArray(result.tools)
        ? { ...result, tools: result.tools.map((tool: unknown) => (isMembers(tool) ? omit(tool, 'execution') : tool)) }
        : result,
    ),
  },
  {
    reason: 'Arguments that a schema does not name are refused, unless the operator opens the tool.',
    without: eachHappening((happening) =>
      happening.request.includes('"wrong":') ? { request: happening.request, asked: [], told: [] } : happening,
    ),
  },
  {
    reason: 'Each hop has progress tokens of its own, also where a server repeats them.',
    without: eachHappening((happening) => ({
      ...happening,
      ...(happening.result === undefined ? {} : { result: withoutTokens(happening.result) }),
      asked: happening.asked.map(withoutTokens),
    })),
  },
  {
    reason: 'A server asks during a call only: outside of one there is no caller whose rights it could be held to.',
    without: eachHappening((happening) =>
      happening.request.startsWith('tools/call ask_') || happening.request.startsWith('tools/call test_elicitation')
        ? happening
        : { ...happening, asked: [] },
    ),
  },
];

export function comparable(recording: Recording): Recording {
  // As JSON: what is undefined does not count.
  const plain = JSON.parse(JSON.stringify(recording)) as Recording;
  return differences.reduce((each, { without }) => without(each), plain);
}
