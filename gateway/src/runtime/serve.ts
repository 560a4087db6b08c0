/** `sallyport serve`: the gateway with its HTTP listeners, until it is told to stop. */
import { join as joinPath, resolve } from 'node:path';
import { adminConnections, listenAdmin } from '../admin/listener.ts';
import { exitCodes } from '../cli/exit-codes.ts';
import { listenHttp } from '../listeners/http/server.ts';
import { takeSignals } from '../process/signals.ts';
import { openKeyAdmin } from '../stages/authenticate/api-key/open.ts';
import { openEndedIds } from '../stores/ended-ids.ts';
import type { LogLevel } from '../telemetry/log.ts';
import { healthAnswer } from './health.ts';
import { print, report } from './messages.ts';
import { open } from './open.ts';
import { firstAdministrator, operatorApp } from './operator-app.ts';
import { quickstartText } from './quickstart.ts';
import { follow } from './reload.ts';

export interface ServeOptions {
  readonly config: string;
  /** Also print a key, and how to use it. */
  readonly quickstart?: boolean;
  readonly json?: boolean;
  /** Instead of what the configuration says. */
  readonly port?: number;
  readonly adminPort?: number;
  readonly logLevel?: LogLevel;
}

/** Runs the gateway until it is told to stop. Resolves to an exit code. */
export async function serve(options: ServeOptions): Promise<number> {
  const signals = takeSignals(() => process.exit(exitCodes.no));
  const path = resolve(options.config);
  const opened = await open(path, 'serve', options.logLevel ?? 'info');
  if (!opened.ok) return opened.code;
  const { gateway, log } = opened;
  const { listen: written, bounds, data, console: pages } = gateway.plane.revision.configuration;
  const listen = {
    mcp: { ...written.mcp, port: options.port ?? written.mcp.port },
    admin: { ...written.admin, port: options.adminPort ?? written.admin.port },
  };
  const ended = openEndedIds(joinPath(data, 'ended-sessions'), (error) =>
    log.warn({ err: error }, 'ended sessions cannot be noted: they open again after a restart'),
  );
  const mcp = await attempt(listenHttp(listen.mcp, gateway.plane.context, { ended, log }));
  const connections = adminConnections(log);
  gateway.plane.metrics.table('admin_connections', () => connections.count);
  const admin =
    typeof mcp === 'number'
      ? mcp
      : await attempt(
          listenAdmin(listen.admin, {
            problems: () => opened.problems(),
            health: (server) => healthAnswer(server, gateway.healthOf(server)),
            log,
            connections,
            app: pages.enabled
              ? operatorApp(opened, {
                  publicUrl: listen.admin.publicUrl,
                  isSecure: (listen.admin.publicUrl ?? '').startsWith('https:') || listen.admin.tls !== undefined,
                  connections,
                })
              : undefined,
            metrics: async () => ({
              type: gateway.plane.metrics.contentType,
              text: await gateway.plane.metrics.text(),
            }),
          }),
        );
  if (typeof mcp === 'number' || typeof admin === 'number') {
    if (typeof mcp !== 'number') await mcp.close(0);
    await opened.close();
    return typeof admin === 'number' ? admin : exitCodes.listen;
  }
  gateway.reachedAt(mcp.base);
  const stopWatching = await follow(path, opened, signals);
  const base =
    listen.mcp.publicUrl ??
    `${listen.mcp.tls === undefined ? 'http' : 'https'}://${urlHost(listen.mcp.host)}:${mcp.port}`;
  const adminScheme = listen.admin.tls === undefined ? 'http' : 'https';
  const adminUrl = listen.admin.publicUrl ?? `${adminScheme}://${urlHost(listen.admin.host)}:${admin.port}`;
  // Browsers bind passkeys to names.
  const operatorUrl = adminUrl.replace('://127.0.0.1:', '://localhost:');
  if (pages.enabled) gateway.channels.reachedAt(operatorUrl);
  const join = pages.enabled ? firstAdministrator(opened.operators, operatorUrl) : undefined;
  if (options.json === true)
    print(JSON.stringify({ event: 'listening', mcp: base, admin: adminUrl, ...(join !== undefined && { join }) }));
  else if (options.quickstart === true) {
    const desk = openKeyAdmin(data);
    if (desk.ok) print(quickstartText({ base, admin: adminUrl, join }, desk.value));
    if (desk.ok) desk.value.store.close();
  } else {
    print(`Sallyport listens on ${base}/mcp, health and metrics on ${adminUrl}`);
    if (join !== undefined) print(`There is no administrator. This link makes one, once, within a day: ${join}`);
  }

  const signal = await signals.stopped;
  log.info({ signal }, 'stopping');
  gateway.plane.drain();
  stopWatching();
  // Streams have ended; calls under way get their time, then everything is closed.
  await mcp.close(bounds.drain);
  await admin.close();
  await opened.close();
  return exitCodes.ok;
}

/** A listener that cannot listen is complained about, and is the code to end with. */
async function attempt<Listener extends object>(listening: Promise<Listener>): Promise<Listener | number> {
  try {
    return await listening;
  } catch (error) {
    const { message, syscall } = error as NodeJS.ErrnoException;
    // What the system refuses has to do with the address; everything else with the files of TLS.
    const isAddress = syscall !== undefined;
    const remedy = isAddress
      ? 'Choose another with --port or --admin-port, or under listen, or stop what uses it.'
      : 'See listen.mcp.tls.';
    report(`sallyport cannot listen: ${message}\n    ${remedy}`);
    return isAddress ? exitCodes.listen : exitCodes.configuration;
  }
}

function urlHost(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}
