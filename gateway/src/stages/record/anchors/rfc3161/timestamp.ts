/** Questions to a time stamping authority and its answers (RFC 3161, in CMS: RFC 5652). */
import { randomBytes } from 'node:crypto';
import { DerReader, der, oidBytes, tags } from './der.ts';

export interface InputRequired {
  /** SHA-256 of what is stamped. */
  readonly digest: Buffer;
  /** Content of a positive INTEGER. */
  readonly nonce: Buffer;
  readonly policy?: string | undefined;
}

export interface Timestamp {
  readonly time: Date;
  /** The token, in CMS, as the authority signed it. */
  readonly token: Buffer;
}

const sha256 = oidBytes('2.16.840.1.101.3.4.2.1');
const signedData = oidBytes('1.2.840.113549.1.7.2');
const tstInfo = oidBytes('1.2.840.113549.1.9.16.1.4');
const null_ = Buffer.from([5, 0]);

export function makeNonce(): Buffer {
  const nonce = randomBytes(8);
  // Positive, and in its shortest form.
  nonce[0] = ((nonce[0] ?? 0) & 0x3f) | 0x40;
  return nonce;
}

/** Section 2.4.1. */
export function timestampQuery({ digest, nonce, policy }: InputRequired): Buffer {
  return der(
    tags.sequence,
    der(tags.integer, Buffer.from([1])),
    der(tags.sequence, der(tags.sequence, der(tags.oid, sha256), null_), der(tags.octets, digest)),
    ...(policy === undefined ? [] : [der(tags.oid, oidBytes(policy))]),
    der(tags.integer, nonce),
    der(tags.boolean, Buffer.from([0xff])),
  );
}

/** Section 2.4.2. Throws a sentence. Signature and certificate are left to the verifier, which has the trusted CAs. */
export function readTimestamp(answer: Buffer, question: InputRequired): Timestamp {
  const outer = new DerReader(answer);
  const response = outer.inside(tags.sequence, 'the answer');
  outer.end('the answer');
  readStatus(response.inside(tags.sequence, 'the status'));
  const token = response.whole(tags.sequence, 'the token');
  response.end('the token');
  return { token, time: readInfo(contentOf(token), question) };
}

function readStatus(info: DerReader): void {
  const status = info.take(tags.integer, 'the status');
  const texts = info.maybe(tags.sequence, 'the text of the status');
  info.maybe(tags.bits, 'the reason');
  info.end('the status');
  // Granted, or granted with changes: what was changed shows in the token.
  if (status.length === 1 && (status[0] === 0 || status[0] === 1)) return;
  const first = texts === undefined ? undefined : new DerReader(texts).maybe(tags.text, 'the text of the status');
  // oxlint-disable-next-line no-control-regex
  const said = first?.toString('utf8', 0, 200).replaceAll(/[\u0000-\u001f\u007f]/g, ' ');
  throw new Error(`it refuses with status ${status.toString('hex')}${said === undefined ? '' : `: ${said}`}`);
}

/** What the token is about: CMS SignedData with one signer, whose certificate is included. */
function contentOf(token: Buffer): Buffer {
  const outer = new DerReader(token).inside(tags.sequence, 'the token');
  if (!outer.take(tags.oid, 'the type of the token').equals(signedData))
    throw new Error('the token is not signed data');
  const wrapped = outer.inside(tags.context0, 'the signed data');
  outer.end('the signed data');
  const signed = wrapped.inside(tags.sequence, 'the signed data');
  signed.take(tags.integer, 'the version of the signed data');
  signed.take(tags.set, 'the list of digests');
  const content = signed.inside(tags.sequence, 'the content');
  if (!content.take(tags.oid, 'the type of the content').equals(tstInfo))
    throw new Error('the token holds no timestamp');
  const octets = content.inside(tags.context0, 'the content');
  content.end('the content');
  const info = octets.take(tags.octets, 'the timestamp');
  const certificates = signed.maybe(tags.context0, 'the certificates');
  if (certificates === undefined || certificates.length === 0) throw new Error('the token comes without a certificate');
  signed.maybe(tags.context1, 'the revocations');
  const signers = signed.inside(tags.set, 'the signer');
  signers.take(tags.sequence, 'the signer');
  signers.end('the one signer');
  signed.end('the signer');
  return info;
}

function readInfo(bytes: Buffer, { digest, nonce, policy }: InputRequired): Date {
  const outer = new DerReader(bytes);
  const info = outer.inside(tags.sequence, 'the timestamp');
  outer.end('the timestamp');
  if (!info.take(tags.integer, 'the version').equals(Buffer.from([1])))
    throw new Error('the timestamp has another version');
  const underPolicy = info.take(tags.oid, 'the policy');
  if (policy !== undefined && !underPolicy.equals(oidBytes(policy)))
    throw new Error(`the timestamp is under another policy than ${policy}`);
  const imprint = info.inside(tags.sequence, 'the imprint');
  const algorithm = imprint
    .inside(tags.sequence, 'the digest of the imprint')
    .take(tags.oid, 'the digest of the imprint');
  if (!algorithm.equals(sha256) || !imprint.take(tags.octets, 'the imprint').equals(digest))
    throw new Error('the timestamp is about something else');
  imprint.end('the imprint');
  info.take(tags.integer, 'the serial number');
  const time = readTime(info.take(tags.time, 'the time').toString('latin1'));
  info.maybe(tags.sequence, 'the accuracy');
  info.maybe(tags.boolean, 'the order');
  if (info.maybe(tags.integer, 'the nonce')?.equals(nonce) !== true) throw new Error('the timestamp has another nonce');
  info.maybe(tags.context0, 'the name of the authority');
  info.maybe(tags.context1, 'the extensions');
  info.end('the timestamp');
  return time;
}

/** GeneralizedTime as section 2.4.2 restricts it. */
function readTime(text: string): Date {
  const [, year, month, day, hour, minute, second, fraction = ''] =
    /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\.\d{0,8}[1-9])?Z$/.exec(text) ?? [];
  const written = `${year}-${month}-${day}T${hour}:${minute}:${second}`;
  const time = new Date(`${written}${fraction.slice(0, 4)}Z`);
  // A date such as February 30 would be moved on.
  if (Number.isNaN(time.getTime()) || !time.toISOString().startsWith(written))
    throw new Error('the timestamp has no time');
  return time;
}
