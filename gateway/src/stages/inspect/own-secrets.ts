/** Takes the gateway's own secrets out of what a server sends: they belong to neither the client nor the model. */
import { defineInspector } from '../../pipeline/contracts/inspector.ts';
import type { JsonObject } from '../../protocol/json.ts';
import { hideSecrets } from '../../secrets/hide.ts';

export const ownSecrets = defineInspector({
  id: 'own-secrets',
  summary:
    'Hides what the gateway itself sent to a server, such as its credential, in everything the server sends back.',
  outbound({ content }, { upstream }) {
    const secrets = upstream.secrets();
    if (secrets.length === 0) return undefined;
    const hidden = hideSecrets(content as JsonObject, secrets);
    return hidden === content ? undefined : { change: hidden };
  },
});
