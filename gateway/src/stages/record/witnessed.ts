/** Requests of servers to legacy clients leave a record each; a modern client gets them as a result, which is recorded anyway. */
import type { AuditLog, ExchangeEnd } from '../../pipeline/contracts/audit.ts';
import type { Snapshot } from '../../pipeline/contracts/snapshot.ts';
import type { InputResponse, Intended } from '../../pipeline/exchange.ts';
import { factsOf } from '../../pipeline/facts.ts';

/** The exchange with a channel that records what is asked over it. */
export function witnessed(exchange: Intended, snapshot: Snapshot, audit: AuditLog): Intended {
  const { channel, caller } = exchange;
  const { requestInput } = channel;
  if (requestInput === undefined) return exchange;
  return {
    ...exchange,
    channel: {
      notify: (method, params) => channel.notify(method, params),
      async requestInput(method, params) {
        const at = Date.now();
        const started = performance.now();
        let asked: InputResponse = { ok: false };
        try {
          asked = await requestInput.call(channel, method, params);
          return asked;
        } finally {
          // The decision, the definition and the cost are those of the call, and stand in its own record.
          const {
            decision: _decision,
            definition: _definition,
            cost: _cost,
            ...facts
          } = factsOf(exchange, snapshot, {
            caller,
            resolved: exchange,
          });
          const bytesIn = JSON.stringify(params).length;
          const latency = Math.round((performance.now() - started) * 1_000);
          audit.asked(
            { ...facts, direction: 'server-to-client', at, method, arguments: params, bytesIn },
            { at: Date.now(), latency, ...answerOf(asked) },
          );
        }
      },
    },
  };
}

function answerOf(asked: InputResponse): Omit<ExchangeEnd, 'at' | 'latency'> {
  if (asked.ok) {
    const resultText = JSON.stringify(asked.result);
    return { outcome: 'answered', resultText, bytesOut: resultText.length };
  }
  const { error } = asked;
  if (error === undefined) return { outcome: 'cancelled', bytesOut: 0 };
  return { outcome: 'error', error, bytesOut: error.message.length };
}
