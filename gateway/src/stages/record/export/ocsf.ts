/**
 * OCSF 1.8: exchanges as API Activity (6003), authentication as Authentication (3002), keys as Entity Management (3004),
 * what may mean harm to the log as Detection Finding (2004), everything else as Application Lifecycle (6002).
 */
import { version } from '../../../protocol/product.ts';
import type { About } from '../read/archive.ts';
import { capabilityOf } from '../search-index/index-file.ts';
import { type ExportedEvent, type ExportFormat, endOf, isTroubling, mcpOf, timeOf } from './event.ts';

interface Kind {
  readonly classUid: number;
  readonly activity: number;
}

const exchange = { classUid: 6003, activity: 99 };
const lifecycle: Kind = { classUid: 6002, activity: 99 };
const finding: Kind = { classUid: 2004, activity: 1 };
const kinds: Readonly<Record<string, Kind>> = {
  intent: exchange,
  exchange,
  outcome: exchange,
  'client-request': exchange,
  'request-refused': exchange,
  'authentication-succeeded': { classUid: 3002, activity: 1 },
  'authentication-failed': { classUid: 3002, activity: 1 },
  'authentication-throttled': { classUid: 3002, activity: 1 },
  'key-created': { classUid: 3004, activity: 1 },
  'key-revoked': { classUid: 3004, activity: 4 },
  'secret-put': { classUid: 3004, activity: 1 },
  'secret-rotated': { classUid: 3004, activity: 3 },
  'secret-removed': { classUid: 3004, activity: 4 },
  start: { classUid: 6002, activity: 3 },
  stop: { classUid: 6002, activity: 4 },
  lost: finding,
  clock: finding,
  recovered: finding,
};

/** Read, update and delete, as far as a tier says it. */
const activityOfTier: Readonly<Record<string, number>> = { read: 2, write: 3, destructive: 4 };

export const ocsf: ExportFormat = {
  name: 'ocsf',
  summary: 'OCSF 1.8 events, one a line',
  line: (event) => JSON.stringify(ocsfEvent(event)),
};

export function ocsfEvent(event: ExportedEvent): object {
  const { record, origin } = event;
  const { fields, about } = record;
  const { classUid, activity: usual } = kinds[fields.kind] ?? lifecycle;
  const activity = classUid === 6003 ? (activityOfTier[fields.tier ?? ''] ?? 99) : usual;
  const end = endOf(event);
  const failed = isTroubling(fields.kind) || ['refused', 'error', 'tool-error'].includes(end.outcome ?? '');
  const user = about?.user ?? about?.agent ?? about?.application;
  return {
    class_uid: classUid,
    category_uid: Math.floor(classUid / 1_000),
    activity_id: activity,
    type_uid: classUid * 100 + activity,
    time: timeOf(event),
    severity_id: classUid === 2004 ? 3 : failed ? 2 : 1,
    status_id: end.outcome === 'unknown' ? 0 : failed ? 2 : 1,
    ...(end.reason === undefined ? {} : { status_detail: end.reason }),
    metadata: {
      version: '1.8.0',
      product: { name: 'Sallyport', vendor_name: 'Sallyport', version },
      uid: `${origin}/${record.seq}`,
      ...(fields.id === undefined ? {} : { correlation_uid: fields.id }),
    },
    ...(about === undefined ? {} : { actor: actorOf(about, fields.subject) }),
    ...unmapped(event),
    ...(about?.address === undefined ? {} : { src_endpoint: { ip: about.address } }),
    ...(classUid === 6003 ? apiFields(event) : {}),
    ...(classUid === 3002 ? { user: { name: user ?? 'unknown' }, service: { name: 'sallyport' } } : {}),
    ...(classUid === 3004 ? { entity: { name: fields.kind, data: fields.detail ?? {} } } : {}),
    ...(classUid === 2004
      ? {
          finding_info: {
            title: `evidence log: ${fields.kind}`,
            uid: `${origin}/${record.seq}`,
            desc: JSON.stringify(fields.detail ?? {}),
          },
        }
      : {}),
    ...(classUid === 6002 ? { app: { name: 'sallyport', version }, activity_name: fields.kind } : {}),
  };
}

/** OCSF has a user and an application for who acted. An agent without an application stands in its place. */
function actorOf({ user, agent, application }: About, subject: string): object {
  const app = application ?? agent;
  return {
    user: { name: user ?? agent ?? application ?? 'unknown', uid: subject },
    ...(app === undefined ? {} : { app_name: app }),
  };
}

/** What has no place of its own in the schema until it knows agents. */
function unmapped(event: ExportedEvent): object {
  const { user, agent, application } = event.record.about ?? {};
  const caller = { ...(user && { user }), ...(agent && { agent }), ...(application && { application }) };
  const members = { ...(Object.keys(caller).length > 0 && { caller }), ...mcpOf(event) };
  return Object.keys(members).length === 0 ? {} : { unmapped: members };
}

function apiFields(event: ExportedEvent): object {
  const { fields, parts, about } = event.record;
  const end = endOf(event);
  const name = about?.uri ?? capabilityOf(fields);
  return {
    api: {
      operation: name ?? fields.method ?? 'unknown',
      service: { name: fields.server ?? 'sallyport' },
      request: {
        uid: fields.id ?? '',
        ...(parts && parts.arguments !== '' && { data: { arguments: parts.arguments } }),
      },
      response: { message: end.outcome ?? 'unknown', ...(typeof end['code'] === 'number' && { code: end['code'] }) },
    },
    ...(fields.decision === undefined
      ? {}
      : {
          policy: {
            name: fields.decision.connection ?? 'none',
            desc: `${fields.decision.effect} ${fields.decision.place ?? ''}`.trim(),
          },
        }),
  };
}
