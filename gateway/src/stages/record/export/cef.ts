/** ArcSight's Common Event Format, for old SIEMs. */
import { version } from '../../../protocol/product.ts';
import { capabilityOf } from '../search-index/index-file.ts';
import { type ExportedEvent, type ExportFormat, endOf, isTroubling, mcpOf, timeOf } from './event.ts';

export const cef: ExportFormat = {
  name: 'cef',
  summary: 'Common Event Format, one event a line',
  line: (event) => {
    const { fields, about } = event.record;
    const end = endOf(event);
    const severity = end.outcome === 'refused' || end.outcome === 'unknown' || isTroubling(fields.kind) ? 5 : 2;
    const name = [fields.kind === 'intent' ? 'exchange' : fields.kind, end.outcome].filter(Boolean).join(' ');
    const head = ['Sallyport', 'sallyport', version, fields.kind, name, String(severity)].map(headText);
    return `CEF:0|${head.join('|')}|${extension(event, about)}`;
  },
};

function extension(event: ExportedEvent, about: ExportedEvent['record']['about']): string {
  const { fields, seq } = event.record;
  const end = endOf(event);
  const values: Readonly<Record<string, string | number | undefined>> = {
    rt: timeOf(event),
    externalId: `${event.origin}/${seq}`,
    suser: about?.user ?? about?.agent ?? about?.application,
    suid: fields.subject,
    src: about?.address,
    dhost: fields.server,
    act: fields.decision?.effect,
    outcome: end.outcome,
    reason: end.reason,
    request: about?.uri ?? capabilityOf(fields),
    requestMethod: fields.method,
    cs1Label: fields.decision?.place === undefined ? undefined : 'rule',
    cs1: fields.decision?.place,
    cs2Label: fields.id === undefined ? undefined : 'correlation',
    cs2: fields.id,
    cs3Label: about?.agent === undefined ? undefined : 'agent',
    cs3: about?.agent,
    cs4Label: about?.application === undefined ? undefined : 'application',
    cs4: about?.application,
    ...mcpOf(event),
  };
  return Object.entries(values)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${key}=${valueText(String(value))}`)
    .join(' ');
}

/** A line must stay a line, and a field a field, whatever a client has put into it. */
function headText(text: string): string {
  return text
    .replaceAll('\\', '\\\\')
    .replaceAll('|', '\\|')
    .replaceAll(/[\r\n]+/g, ' ');
}

function valueText(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('=', '\\=').replaceAll('\r', '\\r').replaceAll('\n', '\\n');
}
