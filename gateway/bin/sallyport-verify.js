#!/usr/bin/env node
// @ts-check
// Checks what Sallyport says about itself: proofs of single records, whole logs, and logs against checkpoints kept
// elsewhere. One file, Node's own modules only, no code shared with the gateway, so that a reader who does not trust the
// gateway can check it in an hour. Exits 0 when everything holds, 1 at the first discrepancy, and says where.
// Every Node from 18.3 on runs it: what is newer is used where it is there, and never needed. Modules are imported as a
// whole, as an older Node refuses to start a file that imports a name it does not have.
import crypto from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import { join, sep } from 'node:path';
import util from 'node:util';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import zlib from 'node:zlib';

const { createPublicKey, verify, X509Certificate } = crypto;
const { closeSync, existsSync, fstatSync, openSync, readdirSync, readFileSync, readSync, realpathSync, statSync } = fs;

/** What it ends with. Only 1 says something about the evidence. */
const exitCodes = { verified: 0, refuted: 1, usage: 2, undecided: 3, runtime: 64, unreadable: 66, bug: 70 };

const usage = `usage: sallyport-verify <proof file | log folder | certificate of an erasure> [options]
  --key <key>           the key of the log, from somewhere you trust; without it the log vouches for itself
  --checkpoint <file>   checkpoints kept elsewhere: the log must contain each (may be given several times)
  --witness <key>       a witness whose cosignature must be there (may be given several times)
  --tsa-ca <file>       authorities in PEM to one of which each RFC 3161 timestamp must lead (may be given several times)
  --json                print JSON
ends with 0: everything holds; 1: something does not; 2: wrong usage; 3: not decided, as the key is of another time;
64: Node is too old;
66: something cannot be read; 70: a fault of this program, which says nothing about what it was given`;

/**
 * @typedef {Record<string, unknown>} Fields JSON of an object, with members of any shape
 * @typedef {{ text: string, name: string, id: Buffer, key: crypto.KeyObject, type: number }} Key
 * @typedef {{ name: string, id: Buffer, signature: Buffer }} Signature
 * @typedef {{ body: string, signatures: Signature[] }} Note
 * @typedef {Note & { origin: string, size: number, root: Buffer, where: string }} Checkpoint
 * @typedef {{ index: number, leaf: Buffer, fields: Fields & { kind: string }, shown: Map<string, string> }} Proved
 * @typedef {{ where: string, of: string, text: () => Buffer, bytes: () => Buffer }} Token of the checkpoint `of`
 * @typedef {{ critical: boolean, value: Buffer }} Extension
 * @typedef {{ raw: Buffer, known: crypto.X509Certificate, serial: Buffer, issuer: Buffer,
 *   extensions: Map<string, Extension>, key: crypto.KeyObject, name: string }} Certificate
 * @typedef {{ by: Certificate, certificates: Certificate[], digest: Buffer, time: Date, where: string }} Stamp
 * @typedef {{ where: string, size: number, time: string, by: string, trusted: boolean }} Timestamp
 * @typedef {{ bytes: Buffer, path: string }} Tile
 * @typedef {{ index: number, hashes: Buffer[] }} Level
 * @typedef {{ entry: Buffer, sealed: Buffer }} Stored
 * @typedef {{ folder: string, from: number, to: number, size: number }} Stretch of bundles
 * @typedef {{ key?: string | undefined, checkpoint?: string[] | undefined, witness?: string[] | undefined,
 *   'tsa-ca'?: string[] | undefined }} Options
 *
 * @typedef {{ keyGiven: boolean, origin: string, key: string, keyIs: string, anchors: string[] }} Found
 * @typedef {Found & { what: 'certificate', subject: string, tombstone: number, time: string }} FoundCertificate
 * @typedef {Found & { what: 'proof', size: number, timestamps: Timestamp[],
 *   records: { seq: number, kind: string, disclosed: string[] }[], approvals: string[] }} FoundProof
 * @typedef {Found & { what: 'log', size: number, timestamps: Timestamp[], root: string, kinds: Record<string, number>,
 *   privateParts: { checked: number, dropped: number }, droppedRecords: number, erasedSubjects: number,
 *   confirmedApprovals: number, openCalls: number, unknownOutcomes: number, lostRecords: number, clockWentBack: number, silences: number,
 *   notYetSigned: number, checkpoints: number, keys: number }} FoundLog
 */

class Refuted extends Error {}
/** What was given does not suffice to tell. */
class Undecided extends Error {}
/** @param {string} text @returns {never} */
function refute(text) {
  throw new Refuted(text);
}

// What comes from a file may have any shape. It is looked at before it is used, so that whatever else is thrown is a fault
// of this program and is never taken for damage.
/** @param {unknown} value @returns {value is Fields} */
function isObject(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
/** @type {(value: unknown, where: string) => Fields} */
const objectIn = (value, where) => (isObject(value) ? value : refute(`${where} is damaged: an object is missing`));
/** @type {(value: unknown, where: string) => unknown[]} */
const listIn = (value, where) => (Array.isArray(value) ? value : refute(`${where} is damaged: a list is missing`));
/** @type {(value: unknown, where: string) => string} */
const textIn = (value, where) => (typeof value === 'string' ? value : refute(`${where} is damaged: a text is missing`));
/** @param {unknown} value @returns {value is number} */
function isCount(value) {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
/** The greatest that a `Date` can be. */
const lastTime = 8.64e15;

/** @param {string} text @param {string} where @returns {unknown} */
function parseJson(text, where) {
  try {
    return JSON.parse(text);
  } catch {
    return refute(`${where} is not JSON: it is damaged or of another format`);
  }
}

/**
 * @template Item, Name
 * @param {Iterable<Item>} list
 * @param {(item: Item) => Name} keyOf
 */
function groupBy(list, keyOf) {
  /** @type {Map<Name, [Item, ...Item[]]>} */
  const groups = new Map();
  for (const item of list) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
}

/**
 * `crypto.hash` is from Node 20.12 and twice as fast.
 * @type {(algorithm: string, data: string | Buffer, encoding: 'hex' | 'base64url' | 'binary') => string}
 */
const hash = crypto.hash ?? ((algorithm, data, encoding) => crypto.createHash(algorithm).update(data).digest(encoding));
/** @type {(algorithm: string, data: Buffer) => Buffer} */
const digestOf = (algorithm, data) => crypto.createHash(algorithm).update(data).digest();

/**
 * The same elements in order: `toSorted` is from Node 20.
 * @template Item
 * @param {Item[]} list
 * @param {(a: Item, b: Item) => number} [compare]
 */
function sorted(list, compare) {
  const copy = [...list];
  copy.sort(compare);
  return copy;
}

/**
 * From the last to the first: `toReversed` is from Node 20.
 * @template Item
 * @param {Item[]} list
 */
function reversed(list) {
  const copy = [...list];
  copy.reverse();
  return copy;
}

/**
 * `zlib.crc32` is from Node 20.15.
 * @type {(bytes: Buffer) => number}
 */
const crc32 = zlib.crc32 ?? makeCrc32();

function makeCrc32() {
  const table = Uint32Array.from({ length: 256 }, (_, index) => remainder(index));
  /** @type {(bytes: Buffer) => number} */
  return (bytes) => {
    let crc = 0xffffffff;
    for (const byte of bytes) crc = (table[(crc ^ byte) & 0xff] ?? 0) ^ (crc >>> 8);
    return (crc ^ 0xffffffff) >>> 0;
  };
}

/** @param {number} index */
function remainder(index) {
  let value = index;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
  return value;
}

/** Bytes of files in the folder of a log: of a checkpoint, of a tile or bundle, of a day of checkpoints. */
const longest = { note: 1_048_576, tile: 17 * 1_048_576, history: 64 * 1_048_576 };
/** A pipe would wait for its writer. Windows has no such flag, and no such pipes. */
const readOnly = fs.constants.O_RDONLY | (fs.constants.O_NONBLOCK ?? 0);

/**
 * Opens a file of the log. In a folder that comes from elsewhere something else may stand there: a link to a device that
 * never ends, a pipe that never begins.
 * @param {string} path
 */
function openRegular(path) {
  const descriptor = openSync(path, readOnly);
  const stat = fstatSync(descriptor);
  if (stat.isFile()) return { descriptor, end: stat.size };
  closeSync(descriptor);
  return refute(`${path} is no file`);
}

/** @param {string} path @param {number} most */
function readWithin(path, most) {
  const { descriptor, end } = openRegular(path);
  try {
    return end > most ? refute(`${path} is longer than anything that belongs there`) : readFileSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

// Hash tree: RFC 6962 section 2.1.
/**
 * As text: three times as fast as asking for bytes.
 * @type {(data: string | Buffer) => string}
 */
const sha256Text = (data) => hash('sha256', data, 'binary');
/** @type {(data: string | Buffer) => Buffer} */
const sha256 = (data) => Buffer.from(sha256Text(data), 'latin1');
/** @type {(entry: Buffer) => Buffer} */
const leafHash = (entry) => sha256(Buffer.concat([Buffer.from([0]), entry]));
/** One, and room for two hashes. */
const pair = Buffer.alloc(65, 1);
/** @type {(left: Buffer, right: Buffer) => Buffer} */
const nodeHash = (left, right) => {
  left.copy(pair, 1);
  right.copy(pair, 33);
  return sha256(pair);
};

class Edge {
  size = 0;
  /** @type {Buffer[]} As many as the size has bits that are 1. */
  roots = [];
  /** @param {Buffer} leaf */
  add(leaf) {
    let carried = leaf;
    for (let rest = this.size; rest % 2 === 1; rest = Math.floor(rest / 2))
      carried = nodeHash(/** @type {Buffer} */ (this.roots.pop()), carried);
    this.roots.push(carried);
    this.size++;
  }
  root() {
    return rootOf(this.roots);
  }
}

/**
 * Of whole trees beside each other, each smaller than the one before it.
 * @param {Buffer[]} roots
 */
function rootOf(roots) {
  return roots.length === 0 ? sha256('') : roots.reduceRight((right, left) => nodeHash(left, right));
}

/**
 * RFC 9162 section 2.1.3.2.
 * @param {Buffer} leaf @param {number} index @param {number} size @param {Buffer[]} path
 */
function rootFrom(leaf, index, size, path) {
  if (index >= size) return undefined;
  let at = index;
  let last = size - 1;
  let root = leaf;
  for (const sibling of path) {
    if (last === 0) return undefined;
    if (at % 2 === 1 || at === last) {
      root = nodeHash(sibling, root);
      while (at % 2 === 0 && at !== 0) {
        at = Math.floor(at / 2);
        last = Math.floor(last / 2);
      }
    } else root = nodeHash(root, sibling);
    at = Math.floor(at / 2);
    last = Math.floor(last / 2);
  }
  return last === 0 ? root : undefined;
}

// Signed notes and checkpoints: c2sp.org/signed-note, c2sp.org/tlog-checkpoint, c2sp.org/tlog-cosignature.
const spki = Buffer.from('302a300506032b6570032100', 'hex');

/** @param {unknown} given @param {number[]} types @returns {Key} */
function parseKey(given, types = [1]) {
  const text = textIn(given, 'a key');
  const [, name = '', id, encoded = ''] =
    /^([^+\s]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/.exec(text.trim()) ?? refute(`not a key: ${text}`);
  const bytes = Buffer.from(encoded, 'base64');
  const type = bytes[0] ?? 0;
  if (bytes.length !== 33 || !types.includes(type)) refute(`not an Ed25519 key: ${text}`);
  const expected = sha256(Buffer.concat([Buffer.from(`${name}\n`), bytes])).subarray(0, 4);
  if (expected.toString('hex') !== id) refute(`the key ${text} has the id of another key`);
  const key = createPublicKey({ key: Buffer.concat([spki, bytes.subarray(1)]), format: 'der', type: 'spki' });
  return { text: text.trim(), name, id: expected, key, type };
}

/** Of one checkpoint. */
const mostSignatures = 100;

/** @param {string} text @param {string} where @returns {Note} */
function parseNote(text, where) {
  const end = text.lastIndexOf('\n\n');
  if (end === -1 || !text.endsWith('\n')) refute(`${where} is not a signed note`);
  const lines = text.slice(end + 2, -1).split('\n');
  // Each may have to be checked. A log has one signature of its own, and as many as it has witnesses.
  if (lines.length > mostSignatures) refute(`${where} has more signatures than any checkpoint`);
  const signatures = lines.map((line) => {
    const [, name = '', encoded = ''] =
      /^— ([^ +]+) ([A-Za-z0-9+/=]+)$/.exec(line) ?? refute(`${where} has a line that is not a signature`);
    const bytes = Buffer.from(encoded, 'base64');
    return { name, id: bytes.subarray(0, 4), signature: bytes.subarray(4) };
  });
  return { body: text.slice(0, end + 1), signatures };
}

/** @param {string} text @param {string} where @returns {Checkpoint} */
function parseCheckpoint(text, where) {
  const note = parseNote(text, where);
  const [origin = '', size = '', root = ''] = note.body.split('\n');
  const bytes = Buffer.from(root, 'base64');
  if (!/^[!-~]{1,200}$/.test(origin) || !/^(0|[1-9]\d{0,15})$/.test(size) || bytes.length !== 32)
    refute(`${where} is not a checkpoint`);
  return { ...note, origin, size: Number(size), root: bytes, where };
}

/** @param {Note} note @param {Key} key */
function isSigned(note, key) {
  return note.signatures.some(
    ({ name, id, signature }) =>
      name === key.name && id.equals(key.id) && verify(null, Buffer.from(note.body), key.key, signature),
  );
}

/**
 * The time of a witness's cosignature, or `undefined`.
 * @param {Note} note @param {Key} witness
 */
function cosignedAt(note, witness) {
  for (const { name, id, signature } of note.signatures) {
    if (name !== witness.name || !id.equals(witness.id) || signature.length !== 72) continue;
    const time = signature.readBigUInt64BE(0);
    const message = Buffer.from(`cosignature/v1\ntime ${time}\n${note.body}`);
    if (Number(time) * 1000 <= lastTime && verify(null, message, witness.key, signature.subarray(8)))
      return new Date(Number(time) * 1000);
  }
  return undefined;
}

/**
 * RFC 8785, as far as records need it: no spaces, members in order, each once.
 * @param {Buffer} entry @param {string} where @returns {Fields & { kind: string }}
 */
function parseCanonical(entry, where) {
  const text = entry.toString('utf8');
  const value = parseJson(text, where);
  // In this order: what is sorted is not nested deeper than JSON.stringify can walk.
  if (!isObject(value) || !isSorted(value, deepest) || JSON.stringify(value) !== text)
    refute(`${where} is not canonical JSON`);
  if (!isOfKnownKind(value))
    return refute(`${where} is of a kind that no gateway writes: ${JSON.stringify(value.kind)}`);
  return value;
}

/** A record of another kind says whatever its maker wants a reader to believe. */
const kinds = new Set([
  'intent',
  'outcome',
  'exchange',
  'client-request',
  'start',
  'stop',
  'revision',
  'key-created',
  'key-revoked',
  'authentication-failed',
  'authentication-succeeded',
  'authentication-throttled',
  'request-refused',
  'secret-put',
  'secret-rotated',
  'secret-removed',
  'credential-state',
  'credential-standby',
  'account-started',
  'account-connected',
  'account-refused',
  'account-disconnected',
  'issuer-changed',
  'issuer-agreed',
  'server-status',
  'server-breaker',
  'server-control',
  'server-health',
  'server-identity',
  'approval-pending',
  'approval-approved',
  'approval-rejected',
  'approval-expired',
  'approval-consumed',
  'approval-withdrawn',
  'approval-viewed',
  'operator-created',
  'operator-changed',
  'operator-revoked',
  'operator-signed-in',
  'operator-refused',
  'operator-passkey',
  'operator-password',
  'operator-token',
  'operator-session',
  'definition-pending',
  'definition-approved',
  'definition-rejected',
  'limit-warning',
  'log-key',
  'master-key',
  'erasure',
  'recovered',
  'retention',
  'export',
  'heartbeat',
  'lost',
  'clock',
  'subject-key-replaced',
  'stall',
  'crash',
]);

/** @param {Fields} value @returns {value is Fields & { kind: string }} */
function isOfKnownKind(value) {
  return typeof value.kind === 'string' && kinds.has(value.kind);
}

/** A record is nested less deeply by far. */
const deepest = 64;

/** @param {object} value @param {number} depth @returns {boolean} */
function isSorted(value, depth) {
  if (depth === 0) return false;
  let before = '';
  for (const name of Array.isArray(value) ? [] : Object.keys(value)) {
    if (name < before) return false;
    before = name;
  }
  for (const member of Object.values(value))
    if (typeof member === 'object' && member !== null && !isSorted(member, depth - 1)) return false;
  return true;
}

/** Keys sign one after the other; each hands over to the next in a record that both have signed. */
class Keys {
  /** @type {{ from: number, key: Key }[]} */
  list = [];
  /** @param {string} origin */
  constructor(origin) {
    this.origin = origin;
  }
  /** @param {number} seq @param {unknown} detail */
  see(seq, detail) {
    if (
      !isObject(detail) ||
      typeof detail.key !== 'string' ||
      (detail.event !== 'created' && detail.event !== 'rotated')
    )
      return refute(`record ${seq} does not say what it says about a key`);
    const key = parseKey(detail.key);
    if (key.name !== this.origin) refute(`record ${seq}: the key is of another log, ${key.name}`);
    if (detail.event === 'created') {
      if (this.list.length > 0) refute(`record ${seq}: a second first key`);
      this.list.push({ from: 0, key });
      return;
    }
    const old = this.list.at(-1)?.key ?? parseKey(detail.from);
    if (detail.from !== old.text) refute(`record ${seq}: the rotation does not begin with the key before it`);
    const statement = Buffer.from(
      `sallyport log key rotation v1\n${this.origin}\n${seq}\n${old.text}\n${detail.key}\n`,
    );
    const [first, second] = listIn(detail.signatures ?? [], `record ${seq}`).map((each) =>
      Buffer.from(textIn(each, `record ${seq}`), 'base64'),
    );
    if (first === undefined || !verify(null, statement, old.key, first))
      refute(`record ${seq}: the old key did not sign the rotation`);
    if (second === undefined || !verify(null, statement, key.key, second))
      refute(`record ${seq}: the new key did not sign the rotation`);
    if (this.list.length === 0) this.list.push({ from: 0, key: old });
    // The checkpoint that covers the rotation is the first one of the new key.
    this.list.push({ from: seq, key });
  }
  /**
   * Records about keys from before the first one that is left, as the record of a retention repeats them.
   * @param {unknown} records @param {number} first
   */
  recall(records, first) {
    if (!Array.isArray(records)) return refute('the record of the retention repeats no keys');
    for (const record of records) {
      const { seq, ...detail } = objectIn(record, 'the record of the retention');
      if (isCount(seq) && seq < first) this.see(seq, detail);
    }
  }
  /**
   * The key whose turn it was when the log had this size.
   * @param {number} size
   */
  at(size) {
    return this.list.findLast(({ from }) => from < size)?.key ?? this.list[0]?.key ?? refute('the log names no key');
  }
  /** @param {string} text */
  trusts(text) {
    return this.list.some(({ key }) => key.text === text);
  }
}

/** @param {Checkpoint} checkpoint @param {Keys} keys */
function checkSigned(checkpoint, keys) {
  if (checkpoint.origin !== keys.origin)
    refute(`${checkpoint.where} is of another log: ${checkpoint.origin}, not ${keys.origin}`);
  if (!isSigned(checkpoint, keys.at(checkpoint.size)))
    refute(`${checkpoint.where} is not signed by the key of the log`);
}

// Proofs.

const certificateHead = 'sallyport erasure certificate v1';

/** @param {string} text @param {Options} options */
function verifyFile(text, options) {
  return text.startsWith(`${certificateHead}\n`) ? verifyCertificate(text, options) : verifyProof(text, options);
}

/**
 * What `audit erase` hands out, signed by the key that the log had then. It names no key, so the key must be given.
 * @param {string} text @param {Options} options @returns {FoundCertificate}
 */
function verifyCertificate(text, options) {
  const note = parseNote(text, 'the certificate');
  const [, origin = '', ...rest] = note.body.split('\n');
  if (!/^[!-~]{1,200}$/.test(origin)) refute('the certificate names no log');
  /** @type {(line: string | undefined, name: string) => string} */
  const named = (line, name) =>
    line?.startsWith(`${name} `) ? line.slice(name.length + 1) : refute(`the certificate names no ${name}`);
  const subject = named(rest[0], 'subject');
  const tombstone = named(rest[1], 'tombstone');
  const time = named(rest[2], 'time');
  if (!/^(0|[1-9]\d{0,15})$/.test(tombstone)) refute('the certificate names no record');
  const key = parseKey(options.key?.trim() ?? refute('a certificate is checked with --key, the key of the log'));
  if (key.name !== origin) refute(`the key you gave is of another log, ${key.name}, not ${origin}`);
  if (!isSigned(note, key)) refute('the certificate is not signed by the key you gave');
  return {
    what: 'certificate',
    keyGiven: true,
    origin,
    subject,
    tombstone: Number(tombstone),
    time,
    key: key.text,
    keyIs: 'the one you gave',
    anchors: [],
  };
}

/** @param {string} text @param {Options} options @returns {FoundProof} */
function verifyProof(text, options) {
  const file = objectIn(parseJson(text, 'the proof'), 'the proof');
  if (file.format !== 'sallyport-proof/1') refute('not a proof of this version: it is of another format');
  const about = listIn(file.keys ?? [], 'the proof');
  /** @type {Proved[]} */
  const seen = [];
  /** @type {Checkpoint | undefined} */
  let checkpoint;
  for (const each of [...about, ...listIn(file.records, 'the proof')]) {
    const record = objectIn(each, 'the proof');
    const entry = Buffer.from(textIn(record.entry, 'a record of the proof'));
    const [head = '', ...rest] = textIn(record.proof, 'a record of the proof').split('\n\n');
    const note = parseCheckpoint(rest.join('\n\n'), 'the checkpoint of the proof');
    if (checkpoint !== undefined && checkpoint.body !== note.body)
      refute('the records are proved by different checkpoints');
    checkpoint = checkpoint ?? note;
    const [version, indexLine, ...path] = head.split('\n').filter((line) => !line.startsWith('extra '));
    if (version !== 'c2sp.org/tlog-proof@v1') refute(`unknown version of proof: ${version}`);
    const index = Number(/^index (0|[1-9]\d{0,15})$/.exec(indexLine ?? '')?.[1] ?? refute('the proof has no index'));
    const where = `record ${index}`;
    const fields = parseCanonical(entry, where);
    if (fields.seq !== index) refute(`${where} says that it is record ${JSON.stringify(fields.seq)}`);
    const hashes = path.map((line) => Buffer.from(line, 'base64'));
    const leaf = leafHash(entry);
    const root = rootFrom(leaf, index, note.size, hashes);
    if (root === undefined || !root.equals(note.root)) refute(`${where} is not in the log that the checkpoint signs`);
    seen.push({ index, leaf, fields, shown: checkDisclosed(record, fields, where) });
  }
  if (checkpoint === undefined || seen.length === about.length) return refute('the proof has no records');
  const keys = new Keys(checkpoint.origin);
  for (const { index, fields } of seen.slice(0, about.length)) {
    if (fields.kind === 'retention' && keys.list.length === 0)
      keys.recall(isObject(fields.detail) ? fields.detail.keys : undefined, index);
    else if (fields.kind === 'log-key') keys.see(index, fields.detail);
    else refute(`record ${index} is not about a key`);
  }
  checkSigned(checkpoint, keys);
  checkPinnedProof(keys, options, checkpoint.size);
  const records = seen.slice(about.length);
  const { notes, tokens } = checkAnchored(file.anchors ?? [], records, keys);
  const timestamps = checkTimestamps(notes, tokens, options);
  return {
    what: 'proof',
    keyGiven: options.key !== undefined,
    origin: checkpoint.origin,
    size: checkpoint.size,
    records: records.map(({ index, fields, shown }) => ({
      seq: index,
      kind: fields.kind,
      disclosed: [...shown.keys()],
    })),
    approvals: approvalsIn(records),
    key: keys.at(checkpoint.size).text,
    keyIs: keyIs(options, keys.at(checkpoint.size), 'proof'),
    anchors: [
      ...checkWitnesses([checkpoint, ...notes], options),
      ...describeTimestamps(timestamps.filter(({ trusted }) => trusted)),
    ],
    timestamps,
  };
}

const mostAnchors = 64;

/**
 * Checkpoints that others have signed: each must be of this log and contain every record that is proved.
 * @param {unknown} anchors @param {Proved[]} records @param {Keys} keys
 */
function checkAnchored(anchors, records, keys) {
  if (!Array.isArray(anchors) || anchors.length > mostAnchors) return refute('the proof has no proper anchors');
  /** @type {Checkpoint[]} */
  const notes = [];
  /** @type {Token[]} */
  const tokens = [];
  for (const [number, anchor] of anchors.entries()) {
    const where = `anchor ${number + 1} of the proof`;
    const { checkpoint, timestamp, paths } = objectIn(anchor, where);
    const text = typeof checkpoint === 'string' ? checkpoint : '';
    const note = parseCheckpoint(text, where);
    checkSigned(note, keys);
    for (const [at, { index, leaf }] of records.entries()) {
      const path = Array.isArray(paths) ? paths[at] : undefined;
      if (!Array.isArray(path)) return refute(`${where} does not say how record ${index} is in it`);
      const root = rootFrom(
        leaf,
        index,
        note.size,
        path.map((each) => Buffer.from(textIn(each, where), 'base64')),
      );
      if (root === undefined || !root.equals(note.root))
        refute(`record ${index} is not in the log that ${where} signs`);
    }
    notes.push(note);
    if (timestamp === undefined) continue;
    const bytes = () => Buffer.from(textIn(timestamp, where), 'base64');
    tokens.push({ where: `the timestamp of ${where}`, of: where, text: () => Buffer.from(text), bytes });
  }
  return { notes, tokens };
}

/**
 * How a record writes digests and commitments: that is what its version is about.
 * @param {Fields} fields @param {string} where @returns {'hex' | 'base64url'}
 */
function digestsOf({ v }, where) {
  if (v === 1) return 'hex';
  return v === 2 || v === 3 ? 'base64url' : refute(`${where} has version ${JSON.stringify(v)}`);
}

/** @param {Fields} record @param {Fields} fields @param {string} where */
function checkDisclosed({ disclosed = {} }, fields, where) {
  /** @type {Map<string, string>} */
  const found = new Map();
  for (const [part, shown] of Object.entries(objectIn(disclosed, where))) {
    const given = objectIn(shown, where);
    const text = textIn(given.text, where);
    const key = textIn(given.key, where);
    const hidden = Object.hasOwn(fields, part) ? fields[part] : undefined;
    const promised =
      (isObject(hidden) ? hidden.commitment : undefined) ?? refute(`${where} promises nothing about ${part}`);
    if (commitmentTo(text, Buffer.from(key, 'hex'), fields).toString(digestsOf(fields, where)) !== promised)
      refute(`${where}: the ${part} shown are not those that were recorded`);
    found.set(part, text);
  }
  return found;
}

/**
 * Version 3 hashes the key and then the text: a key of another length would move the border between the two.
 * @param {string} text @param {Buffer} key @param {Fields} fields
 */
function commitmentTo(text, key, { v }) {
  if (v === 1 || v === 2) return hmac(key, Buffer.from(text));
  return key.length === 32 ? sha256(Buffer.concat([key, Buffer.from(text)])) : Buffer.alloc(0);
}

/**
 * RFC 2104 with SHA-256.
 * @param {Buffer} key @param {Buffer} data
 */
function hmac(key, data) {
  const block = Buffer.alloc(64);
  (key.length > 64 ? sha256(key) : key).copy(block);
  const inner = sha256(Buffer.concat([block.map((byte) => byte ^ 0x36), data]));
  return sha256(Buffer.concat([block.map((byte) => byte ^ 0x5c), inner]));
}

/**
 * A proof ends with the key of its time. One that the log has had since refutes nothing and proves nothing.
 * @param {Keys} keys @param {Options} options @param {number} size
 */
function checkPinnedProof(keys, { key }, size) {
  if (key === undefined || keys.trusts(key.trim())) return;
  if (parseKey(key.trim()).name !== keys.origin) refute('the key you gave never was the key of this log');
  throw new Undecided(
    `the proof is signed by ${keys.at(size).text}, and the key you gave is not one that it knows. If the log changed its key after the proof was made, check the proof with the key of that time, and that key with the log: verify the log folder with both keys`,
  );
}

/** @param {Keys} keys @param {Options} options */
function checkPinned(keys, { key }) {
  if (key !== undefined && !keys.trusts(key.trim())) refute('the key you gave never was the key of this log');
}

/** @param {Options} options @param {Key} signer @param {string} what */
function keyIs({ key }, { text }, what) {
  if (key === undefined) return `taken from the ${what} itself`;
  return key.trim() === text ? 'the one you gave' : 'which the one you gave leads to';
}

/** @param {Checkpoint[]} notes @param {Options} options */
function checkWitnesses(notes, { witness = [] }) {
  return witness.map((text) => {
    const key = parseKey(text, [4]);
    for (const note of notes) {
      const time = cosignedAt(note, key);
      if (time !== undefined) return `cosigned by ${key.name} at ${time.toISOString()} over ${note.size} records`;
    }
    return refute(`the witness ${key.name} has signed nothing of this log`);
  });
}

// Timestamps: RFC 3161, in CMS (RFC 5652), in DER with definite lengths. Nothing here calls itself, so depth is no matter.

const longestToken = 64 * 1024;
const oids = {
  signedData: '2a864886f70d010702',
  timestamp: '2a864886f70d0109100104',
  contentType: '2a864886f70d010903',
  messageDigest: '2a864886f70d010904',
  signingCertificate: '2a864886f70d010910020c',
  signingCertificateV2: '2a864886f70d010910022f',
  basicConstraints: '551d13',
  extendedKeyUsage: '551d25',
  timeStamping: '2b06010505070308',
};
/** @type {Record<string, string>} */
const digests = { '608648016503040201': 'sha256', '608648016503040202': 'sha384', '608648016503040203': 'sha512' };
/**
 * Signature algorithm → kind of key, and the digest if it says one.
 * @type {Record<string, [kind: string, digest?: string]>}
 */
const signatureKinds = {
  '2a864886f70d010101': ['rsa'],
  '2a864886f70d01010b': ['rsa', 'sha256'],
  '2a864886f70d01010c': ['rsa', 'sha384'],
  '2a864886f70d01010d': ['rsa', 'sha512'],
  '2a8648ce3d040302': ['ec', 'sha256'],
  '2a8648ce3d040303': ['ec', 'sha384'],
  '2a8648ce3d040304': ['ec', 'sha512'],
};
/** Extensions that may be critical in a certificate: the ones looked at here or by OpenSSL, and those about policies. */
const knownExtensions = ['551d0f', oids.basicConstraints, oids.extendedKeyUsage, '551d20', '551d11'];

class Der {
  at = 0;
  /** @param {Buffer} bytes @param {string} where */
  constructor(bytes, where) {
    this.bytes = bytes;
    this.where = where;
  }
  get tag() {
    return this.bytes[this.at];
  }
  get done() {
    return this.at === this.bytes.length;
  }
  next(tag = this.tag) {
    const start = this.at;
    let length = this.bytes[start + 1];
    if (this.tag !== tag || length === undefined) return this.wrong();
    let at = start + 2;
    if (length >= 0x80) {
      const size = length & 0x7f;
      if (size < 1 || size > 3 || at + size > this.bytes.length) this.wrong();
      length = this.bytes.readUIntBE(at, size);
      at += size;
      if (length < 0x80 || length < 2 ** (8 * (size - 1))) this.wrong();
    }
    if (at + length > this.bytes.length) this.wrong();
    this.at = at + length;
    return { content: this.bytes.subarray(at, this.at), whole: this.bytes.subarray(start, this.at) };
  }
  /** @param {number} tag */
  maybe(tag) {
    return this.tag === tag ? this.next(tag) : undefined;
  }
  /** @param {number} tag */
  into(tag) {
    return new Der(this.next(tag).content, this.where);
  }
  oid() {
    return this.next(0x06).content.toString('hex');
  }
  end() {
    if (!this.done) this.wrong();
  }
  /** @returns {never} */
  wrong() {
    return refute(`${this.where} is damaged: it is not written as RFC 3161 wants`);
  }
}

/**
 * SEQUENCE { OID, parameters that we do not use }.
 * @type {(from: Der) => string}
 */
const algorithmOf = (from) => from.into(0x30).oid();

/**
 * Checks one token, but for who is behind its certificate.
 * @param {Buffer} bytes @param {string} where @returns {Stamp}
 */
function readToken(bytes, where) {
  const file = new Der(bytes, where);
  const outer = file.into(0x30);
  file.end();
  if (outer.oid() !== oids.signedData) refute(`${where} is not signed data`);
  const signed = outer.into(0xa0).into(0x30);
  outer.end();
  signed.next(0x02);
  signed.next(0x31);
  const content = signed.into(0x30);
  if (content.oid() !== oids.timestamp) refute(`${where} holds no timestamp`);
  const info = content.into(0xa0).next(0x04).content;
  content.end();
  const bag = new Der(signed.maybe(0xa0)?.content ?? refute(`${where} comes without its certificate`), where);
  /** @type {Certificate[]} */
  const certificates = [];
  while (!bag.done) certificates.push(readCertificate(bag.next(0x30).whole, where));
  signed.maybe(0xa1);
  const signers = signed.into(0x31);
  const signer = signers.into(0x30);
  signers.end();
  signed.end();
  const by = checkSigner(signer, info, certificates, where);
  return { ...readInfo(info, where), by, certificates, where };
}

/**
 * RFC 5652 section 5.4: what is signed are attributes, and one of them is the digest of the content.
 * @param {Der} signer @param {Buffer} info @param {Certificate[]} certificates @param {string} where
 */
function checkSigner(signer, info, certificates, where) {
  signer.next(0x02);
  const name = signer.into(0x30);
  const issuer = name.next(0x30).whole;
  const serial = name.next(0x02).content;
  const digest = digests[algorithmOf(signer)] ?? refute(`${where} uses a digest that is not accepted`);
  const signedAttributes = signer.next(0xa0);
  const [kind, fixed = digest] =
    signatureKinds[algorithmOf(signer)] ?? refute(`${where} uses a kind of signature that is not known here`);
  const signature = signer.next(0x04).content;
  /** @type {Map<string, Der>} */
  const attributes = new Map();
  const list = new Der(signedAttributes.content, where);
  while (!list.done) {
    const attribute = list.into(0x30);
    const type = attribute.oid();
    if (attributes.has(type)) refute(`${where} has the same attribute twice`);
    attributes.set(type, attribute.into(0x31));
    attribute.end();
  }
  const by =
    certificates.find((each) => each.issuer.equals(issuer) && each.serial.equals(serial)) ??
    refute(`${where} is signed by a certificate that it does not hold`);
  if (attributes.get(oids.contentType)?.oid() !== oids.timestamp) refute(`${where} is signed as something else`);
  if (attributes.get(oids.messageDigest)?.next(0x04).content.equals(digestOf(digest, info)) !== true)
    refute(`${where}: its content is not what the authority signed`);
  if (!namesCertificate(attributes, by.raw)) refute(`${where} is signed for another certificate than the one it holds`);
  // Signed as a SET, whatever its tag is in here.
  const message = Buffer.from(signedAttributes.whole);
  message[0] = 0x31;
  if (fixed !== digest || by.key.asymmetricKeyType !== kind || !verify(digest, message, by.key, signature))
    refute(`${where}: the signature of the authority is not valid`);
  return by;
}

/**
 * RFC 5816: the certificate is named by its digest in what is signed.
 * @param {Map<string, Der>} attributes @param {Buffer} raw
 */
function namesCertificate(attributes, raw) {
  const second = attributes.get(oids.signingCertificateV2)?.into(0x30).into(0x30).into(0x30);
  if (second !== undefined) {
    const digest = second.tag === 0x30 ? digests[algorithmOf(second)] : 'sha256';
    return digest !== undefined && second.next(0x04).content.equals(digestOf(digest, raw));
  }
  const first = attributes.get(oids.signingCertificate)?.into(0x30).into(0x30).into(0x30);
  return first?.next(0x04).content.equals(digestOf('sha1', raw)) === true;
}

/**
 * RFC 3161 section 2.4.2.
 * @param {Buffer} bytes @param {string} where
 */
function readInfo(bytes, where) {
  const outer = new Der(bytes, where);
  const info = outer.into(0x30);
  outer.end();
  if (info.next(0x02).content.toString('hex') !== '01') refute(`${where} has another version`);
  info.next(0x06);
  const imprint = info.into(0x30);
  if (digests[algorithmOf(imprint)] !== 'sha256') refute(`${where} is not about a SHA-256`);
  const digest = imprint.next(0x04).content;
  info.next(0x02);
  const written = info.next(0x18).content.toString('latin1');
  const spelled = written.replace(/^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(?:\.\d{1,9})?Z$/, '$1-$2-$3T$4:$5:$6Z');
  const time = new Date(spelled);
  if (spelled === written || Number.isNaN(time.getTime())) refute(`${where} has no time`);
  for (const tag of [0x30, 0x01, 0x02, 0xa0, 0xa1]) info.maybe(tag);
  info.end();
  return { digest, time };
}

/** @param {Buffer} raw @param {string} where */
function openCertificate(raw, where) {
  try {
    const known = new X509Certificate(raw);
    return { known, key: known.publicKey };
  } catch {
    return refute(`${where} holds a certificate that cannot be read`);
  }
}

/** @param {Buffer} raw @param {string} where @returns {Certificate} */
function readCertificate(raw, where) {
  const { known, key } = openCertificate(raw, where);
  const body = new Der(raw, where).into(0x30).into(0x30);
  body.maybe(0xa0);
  const serial = body.next(0x02).content;
  body.next(0x30);
  const issuer = body.next(0x30).whole;
  for (let rest = 0; rest < 3; rest++) body.next(0x30);
  body.maybe(0x81);
  body.maybe(0x82);
  /** @type {Map<string, Extension>} */
  const extensions = new Map();
  if (!body.done) {
    const list = body.into(0xa3).into(0x30);
    while (!list.done) {
      const extension = list.into(0x30);
      const type = extension.oid();
      const critical = extension.maybe(0x01)?.content[0] === 0xff;
      if (extensions.has(type)) refute(`${where} holds a certificate with the same extension twice`);
      extensions.set(type, { critical, value: extension.next(0x04).content });
    }
  }
  return { raw, known, serial, issuer, extensions, key, name: nameOf(known) };
}

/** @type {(certificate: crypto.X509Certificate) => string} */
const nameOf = ({ subject }) => /^CN=(.+)$/m.exec(subject)?.[1] ?? subject.split('\n').at(-1) ?? '';

/**
 * RFC 3161 section 2.3: for timestamps, for nothing else, and critical.
 * @param {Stamp} stamp
 */
function checkPurpose({ by: { extensions, name }, where }) {
  const usage = extensions.get(oids.extendedKeyUsage);
  const list = usage?.critical === true ? new Der(usage.value, where).into(0x30) : undefined;
  if (list?.oid() !== oids.timeStamping || !list.done)
    refute(`${where}: the certificate ${name} is not one for timestamps`);
}

/**
 * From the signer to one of these, each signed by the next and valid at the time of the stamp. Revocation is not asked.
 * @param {Stamp} stamp @param {Certificate[]} authorities
 */
function checkChain({ by, certificates, time, where }, authorities) {
  let below = by;
  for (let step = 0; step < 8; step++) {
    const { known, extensions, name } = below;
    if (time < new Date(known.validFrom) || time > new Date(known.validTo))
      refute(`${where}: the certificate ${name} was not valid at ${time.toISOString()}`);
    for (const [type, { critical }] of extensions)
      if (critical && !knownExtensions.includes(type))
        refute(`${where}: the certificate ${name} has an unknown condition`);
    if (authorities.some(({ raw }) => raw.equals(below.raw))) return;
    const above = [...authorities, ...certificates].find(
      (each) => each.known.ca && known.checkIssued(each.known) && known.verify(each.key) && step <= pathLength(each),
    );
    if (above === undefined) break;
    below = above;
  }
  refute(`${where}: the certificate ${by.name} does not lead to an authority that you gave`);
}

/**
 * How many authorities may be below this one.
 * @param {Certificate} certificate
 */
function pathLength({ extensions }) {
  const constraints = new Der(extensions.get(oids.basicConstraints)?.value ?? Buffer.from([0x30, 0]), '').into(0x30);
  constraints.maybe(0x01);
  const length = constraints.maybe(0x02)?.content;
  if (length === undefined) return Number.POSITIVE_INFINITY;
  return length.length === 0 ? 0 : length.readUIntBE(0, Math.min(length.length, 6));
}

/** @param {string[]} paths */
function readAuthorities(paths = []) {
  return paths.flatMap((path) => {
    const found = readFileSync(path, 'utf8').match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g);
    return (found ?? refute(`${path} holds no certificate in PEM`)).map((pem) =>
      readCertificate(Buffer.from(pem.replaceAll(/-----[A-Z ]+-----|\s/g, ''), 'base64'), path),
    );
  });
}

/**
 * The tokens beside checkpoints: `name.tst` is about the file `name.txt`.
 * @param {Checkpoint[]} notes @param {Token[]} tokens @param {Options} options @returns {Timestamp[]}
 */
function checkTimestamps(notes, tokens, { 'tsa-ca': given }) {
  const authorities = readAuthorities(given);
  const stamps = tokens.map(({ where, of, text, bytes }) => {
    const data = bytes();
    if (data.length > longestToken) refute(`${where} is too long`);
    const note =
      notes.find((each) => each.where === of) ?? refute(`${where} is about a checkpoint that is missing: ${of}`);
    const token = readToken(data, where);
    if (!token.digest.equals(sha256(text()))) refute(`${where} is not about the checkpoint ${of}`);
    checkPurpose(token);
    if (authorities.length > 0) checkChain(token, authorities);
    return {
      where,
      size: note.size,
      time: token.time.toISOString(),
      by: token.by.name,
      trusted: authorities.length > 0,
    };
  });
  if (authorities.length > 0 && stamps.length === 0) refute('no timestamp of this log is here');
  return sorted(stamps, (a, b) => a.size - b.size);
}

/**
 * The last one of each authority, which is about the most records.
 * @param {Timestamp[]} stamps
 */
function describeTimestamps(stamps) {
  return [...groupBy(stamps, ({ by }) => by)].map(([by, list]) => {
    const [first, ...others] = list;
    const { time, size } = others.at(-1) ?? first;
    return `timestamped by ${by} at ${time} over ${size} records${list.length > 1 ? ` (the last of ${list.length}, the first at ${first.time} over ${first.size})` : ''}`;
  });
}

/** @param {string} folder @param {string[]} given @returns {Token[]} */
function tokensOf(folder, given = []) {
  const path = join(folder, 'anchors');
  const names = existsSync(path) ? readdirSync(path).filter((name) => name.endsWith('.tst')) : [];
  const besides = [
    ...names.map((name) => ({ file: join(path, name), where: `anchors/${name}` })),
    ...given
      .filter((each) => each.endsWith('.txt'))
      .map((each) => ({ file: each.replace(/txt$/, 'tst'), where: each.replace(/txt$/, 'tst') })),
  ];
  return besides
    .filter(({ file }) => existsSync(file))
    .map(({ file, where }) => ({
      where,
      of: where.replace(/tst$/, 'txt'),
      text: () => readWithin(file.replace(/tst$/, 'txt'), longest.history),
      bytes: () => readWithin(file, longestToken),
    }));
}

// Whole logs: c2sp.org/tlog-tiles.

const width = 256;

/** @param {string | number} kind @param {number} index @param {number} w */
function tilePath(kind, index, w = width) {
  let path = String(index % 1000).padStart(3, '0');
  for (let rest = Math.floor(index / 1000); rest > 0; rest = Math.floor(rest / 1000))
    path = `x${String(rest % 1000).padStart(3, '0')}/${path}`;
  return `tile/${kind}/${path}${w === width ? '' : `.p/${w}`}`;
}

/**
 * A tile or bundle, or a wider one that begins with it.
 * @param {string} folder @param {string | number} kind @param {number} index @param {number} w
 * @returns {Tile | undefined}
 */
function readTile(folder, kind, index, w) {
  const exact = join(folder, tilePath(kind, index, w));
  if (existsSync(exact)) return { bytes: readWithin(exact, longest.tile), path: tilePath(kind, index, w) };
  if (w === width) return undefined;
  const full = tilePath(kind, index);
  if (existsSync(join(folder, full))) return { bytes: readWithin(join(folder, full), longest.tile), path: full };
  // A gateway that runs replaces what is not full by something wider.
  const partial = join(folder, `${full}.p`);
  const wider = existsSync(partial)
    ? readdirSync(partial).find((name) => /^\d+$/.test(name) && Number(name) > w)
    : undefined;
  return wider === undefined
    ? undefined
    : { bytes: readWithin(join(partial, wider), longest.tile), path: `${full}.p/${wider}` };
}

/**
 * As many entries as are whole, each after the zero with which it is hashed: the place of its length is free by then.
 * @param {Tile} file @param {number} count
 */
function leavesOf({ bytes }, count) {
  /** @type {Buffer[]} */
  const leaves = [];
  for (let at = 0; leaves.length < count && at + 2 <= bytes.length; ) {
    const end = at + 2 + bytes.readUInt16BE(at);
    if (end > bytes.length) break;
    bytes[at + 1] = 0;
    leaves.push(bytes.subarray(at + 1, end));
    at = end;
  }
  return leaves;
}

/** How a group of records begins: each record by itself, or the public parts of all of them compressed. */
const plainGroup = 0x53504731;
const packedGroup = 0x53504732;
/** Bytes of public parts in one group, records in it, and bytes of one of them with its length. */
const longestGroup = 64 * 1024 * 1024;
const mostRecords = 8_192;
const longestEntry = 4 + 65_535;

/** @param {Buffer} bytes @param {number} length */
function unpacked(bytes, length) {
  try {
    const whole = zlib.brotliDecompressSync(bytes, { maxOutputLength: Math.max(1, length) });
    return whole.length === length ? whole : undefined;
  } catch {
    // Whatever is wrong with them, they are not what was written.
    return undefined;
  }
}

/** Reads segments in step with the bundles: the private part of each record. */
class Segments {
  /** @type {{ descriptor: number, end: number } | undefined} What is open. */
  file;
  name = '';
  index = -1;
  offset = 0;
  /** @type {Stored[]} The records of the group that was read last; `first` is the number of the first one. */
  group = [];
  first = 0;
  /** @type {string | undefined} Where a segment does not go on. */
  torn;
  /**
   * @param {string} folder
   * @param {number} signed Records that the checkpoint covers: what comes after them may be in the middle of being written.
   */
  constructor(folder, signed = Number.POSITIVE_INFINITY) {
    this.signed = signed;
    this.folder = join(folder, 'segments');
    const names = existsSync(this.folder) ? readdirSync(this.folder) : [];
    this.firsts = sorted(
      names.filter((name) => /^\d{16}\.seg$/.test(name)).map((name) => Number.parseInt(name, 10)),
      (a, b) => a - b,
    );
  }
  get present() {
    return this.firsts.length > 0;
  }
  /**
   * What the segments hold of a record; `undefined` when they do not.
   * @param {number} seq @returns {Stored | undefined}
   */
  at(seq) {
    while (seq >= this.first + this.group.length) if (!this.#next(seq)) return undefined;
    return seq < this.first ? undefined : this.group[seq - this.first];
  }
  /**
   * Reads the next group, in a segment that this record may be in.
   * @param {number} seq @returns {boolean}
   */
  #next(seq) {
    const file = this.file ?? this.#open(seq);
    if (file === undefined) return false;
    const limit = this.firsts[this.index + 1] ?? Number.MAX_SAFE_INTEGER;
    const header = this.#read(file, 28);
    const whole =
      header.length === 28 &&
      (header.readUInt32BE(0) === plainGroup || header.readUInt32BE(0) === packedGroup) &&
      header.readUInt32LE(24) === crc32(header.subarray(0, 24)) &&
      header.readUInt32LE(8) <= mostRecords;
    const count = whole ? header.readUInt32LE(8) : 0;
    if (whole && this.#passes(file, header, seq)) return true;
    const body = whole ? this.#read(file, header.readUInt32LE(4)) : undefined;
    const first = whole ? Number(header.readBigUInt64LE(12)) : 0;
    const isComplete = body !== undefined && body.length === header.readUInt32LE(4);
    const isIntact = isComplete && crc32(body) === header.readUInt32LE(20);
    if (!isComplete || first >= limit || (first >= this.signed && !isIntact)) {
      if (header.some((byte) => byte !== 0) && first < limit)
        this.torn = `segments/${this.name} is damaged at byte ${this.offset - header.length}`;
      closeSync(file.descriptor);
      this.file = undefined;
      return this.#next(seq);
    }
    if (!isIntact) {
      const last = first + count - 1;
      refute(`segments/${this.name}: a byte of records ${first} to ${last} is not what was written`);
    }
    this.first = first;
    this.group = header.readUInt32BE(0) === packedGroup ? this.#packed(body, count) : this.#plain(body, count);
    return true;
  }
  /**
   * Goes on behind a group that ends before the record. Only what is asked for is read and decompressed: each record once,
   * however many groups claim to hold it.
   * @param {{ end: number }} file @param {Buffer} header @param {number} seq
   */
  #passes(file, header, seq) {
    const length = header.readUInt32LE(4);
    const next = Number(header.readBigUInt64LE(12)) + header.readUInt32LE(8);
    if (next > seq || this.offset + length > file.end) return false;
    this.offset += length;
    this.first = next;
    this.group = [];
    return true;
  }
  /** @param {Buffer} body @param {number} count */
  #plain(body, count) {
    /** @type {Stored[]} */
    const group = [];
    let at = 0;
    while (group.length < count) {
      const entry = this.#part(body, at);
      at += 4 + entry.length;
      const sealed = this.#part(body, at);
      at += 4 + sealed.length;
      group.push({ entry, sealed });
    }
    if (at !== body.length) refute(`segments/${this.name} is damaged: a group holds more than its records`);
    return group;
  }
  /**
   * The public parts stand together, compressed, before the private ones.
   * @param {Buffer} body @param {number} count
   */
  #packed(body, count) {
    const end = body.length < 8 ? Number.POSITIVE_INFINITY : 8 + body.readUInt32LE(4);
    if (end > body.length) refute(`segments/${this.name} is damaged: public parts end outside of their group`);
    const length = body.readUInt32LE(0);
    /** @type {Buffer[]} */
    const entries = [];
    const isTooLong = length > Math.min(longestGroup, count * longestEntry);
    const whole = isTooLong ? undefined : unpacked(body.subarray(8, end), length);
    if (whole === undefined) return refute(`segments/${this.name} is damaged: public parts cannot be decompressed`);
    let read = 0;
    while (entries.length < count) {
      const entry = this.#part(whole, read);
      read += 4 + entry.length;
      entries.push(entry);
    }
    if (read !== whole.length) refute(`segments/${this.name} is damaged: a group holds more than its records`);
    let at = end;
    const group = entries.map((entry) => {
      const sealed = this.#part(body, at);
      at += 4 + sealed.length;
      return { entry, sealed };
    });
    if (at !== body.length) refute(`segments/${this.name} is damaged: a group holds more than its records`);
    return group;
  }
  /**
   * The segment that this record must be in, and none before it.
   * @param {number} seq
   */
  #open(seq) {
    let index = this.index + 1;
    while ((this.firsts[index + 1] ?? Number.POSITIVE_INFINITY) <= seq) index++;
    const first = this.firsts[index];
    if (first === undefined || first > seq) return undefined;
    this.index = index;
    this.name = `${String(first).padStart(16, '0')}.seg`;
    this.offset = 0;
    this.file = openRegular(join(this.folder, this.name));
    return this.file;
  }
  /** @param {Buffer} body @param {number} at */
  #part(body, at) {
    const end = at + 4 > body.length ? Number.POSITIVE_INFINITY : at + 4 + body.readUInt32LE(at);
    if (end > body.length) refute(`segments/${this.name} is damaged: a record ends outside of its group`);
    return body.subarray(at + 4, end);
  }
  /** @param {{ descriptor: number, end: number }} file @param {number} length */
  #read({ descriptor, end }, length) {
    const bytes = Buffer.allocUnsafe(Math.min(length, end - this.offset));
    const read = readSync(descriptor, bytes, 0, bytes.length, this.offset);
    this.offset += read;
    return bytes.subarray(0, read);
  }
}

/**
 * @typedef {{ tiers: Map<string, number>, entries: number, keys: unknown[] }} Dropped tier → first private part kept
 * @typedef {Omit<Story, 'see' | 'outcome' | 'step' | 'end' | 'drop' | 'miss' | 'join'>} StoryOf as a thread hands it over
 */

/** What a stretch of records says, one after the other. Stretches are read at the same time and joined in order. */
class Story {
  /** @type {Record<string, number>} */
  kinds = {};
  /** @type {{ seq: number, written: number, kind: string } | undefined} */
  firstWritten;
  lastWritten = 0;
  clock = 0;
  silences = 0;
  lost = 0;
  unknown = 0;
  /** @type {boolean | undefined} */
  running;
  sealed = 0;
  /** @type {Map<unknown, number>} Subject → last record about it. */
  subjects = new Map();
  /** @type {Map<unknown, number>} Erased subject → tombstone. */
  erased = new Map();
  /** @type {Map<unknown, number>} Call → its intent. */
  intents = new Map();
  /** @type {[seq: number, id: unknown, parent: number][]} Outcomes of intents before this stretch. */
  outcomes = [];
  /** @type {[seq: number, detail: unknown][]} */
  keys = [];
  /** @type {[seq: number, detail: unknown][]} Passkeys as they were registered. */
  passkeys = [];
  /** @type {[seq: number, detail: unknown][]} Approvals that a passkey confirmed. */
  approvals = [];
  /** @type {Dropped} */
  dropped = { tiers: new Map(), entries: 0, keys: [] };
  /** @type {Map<string, { first: number, last: number, count: number }>} Tier → the private parts that are missing. */
  missing = new Map();
  missingEntries = 0;
  /** @type {string | undefined} */
  torn;

  /** @param {number} first */
  constructor(first) {
    this.first = first;
  }

  /** @param {number} seq @param {Fields & { kind: string }} fields */
  see(seq, fields) {
    const where = `record ${seq}`;
    digestsOf(fields, where);
    if (fields.seq !== seq)
      refute(`${where} says that it is record ${JSON.stringify(fields.seq)}: records were removed, added or swapped`);
    const { kind, written, subject } = fields;
    this.kinds[kind] = (this.kinds[kind] ?? 0) + 1;
    if (!isCount(written) || written > lastTime) refute(`${where} has no time`);
    if (this.firstWritten === undefined) this.firstWritten = { seq, written, kind };
    else this.step(seq, this.lastWritten, written, kind);
    this.lastWritten = written;
    const tombstone = this.erased.get(subject);
    if (tombstone !== undefined) refute(`${where} is about a subject that record ${tombstone} erased`);
    this.subjects.set(subject, seq);
    switch (kind) {
      case 'intent':
        this.intents.set(fields.id, seq);
        break;
      case 'outcome':
        if (fields.outcome === 'unknown') this.unknown++;
        if (fields.parent !== undefined) this.outcome(seq, fields.id, fields.parent);
        break;
      case 'log-key':
        this.keys.push([seq, fields.detail]);
        break;
      case 'operator-passkey':
        this.passkeys.push([seq, fields.detail]);
        break;
      case 'approval-approved':
        if (votesIn(fields.detail).some(({ proof }) => proof !== undefined)) this.approvals.push([seq, fields.detail]);
        break;
      case 'erasure':
        this.erased.set(erasedIn(fields.detail, where), seq);
        break;
      case 'retention':
        this.drop(retentionIn(fields.detail, where));
        break;
      case 'lost':
        this.lost += lostIn(fields.detail);
        break;
      case 'start':
        this.running = true;
        break;
      case 'stop':
      case 'recovered':
        this.running = false;
    }
  }

  /** @param {number} seq @param {unknown} id @param {unknown} parent */
  outcome(seq, id, parent) {
    if (!isCount(parent)) return refute(`record ${seq} is the outcome of something that is no record`);
    if (parent < Math.max(this.first, this.missingEntries)) this.outcomes.push([seq, id, parent]);
    else if (!this.end(id, parent))
      refute(`record ${seq} is the outcome of record ${parent}, which is no open intent of that call`);
  }

  /** @param {number} seq @param {number} before @param {number} written @param {string} kind */
  step(seq, before, written, kind) {
    if (written < before) {
      if (kind !== 'clock')
        refute(`record ${seq}: the clock went back from ${iso(before)} to ${iso(written)}, and no record says so`);
      this.clock++;
    } else if (this.running === true && written - before > 180_000 && kind !== 'recovered' && kind !== 'start')
      this.silences++;
  }

  /** @param {unknown} id @param {number} parent */
  end(id, parent) {
    return this.intents.get(id) === parent && this.intents.delete(id);
  }

  /** @param {Dropped} further */
  drop({ tiers, entries, keys }) {
    if (keys.length > 0) this.dropped.keys = keys;
    for (const [tier, before] of tiers)
      this.dropped.tiers.set(tier, Math.max(before, this.dropped.tiers.get(tier) ?? 0));
    this.dropped.entries = Math.max(entries, this.dropped.entries);
  }

  /** @param {string} tier @param {number} first @param {number} last @param {number} count */
  miss(tier, first, last = first, count = 1) {
    const known = this.missing.get(tier);
    this.missing.set(tier, { first: known?.first ?? first, last, count: (known?.count ?? 0) + count });
  }

  /**
   * Goes on with the stretch after this one.
   * @param {StoryOf} next
   */
  join(next) {
    for (const [kind, count] of Object.entries(next.kinds)) this.kinds[kind] = (this.kinds[kind] ?? 0) + count;
    if (next.firstWritten !== undefined) {
      if (this.firstWritten !== undefined)
        this.step(next.firstWritten.seq, this.lastWritten, next.firstWritten.written, next.firstWritten.kind);
      this.firstWritten = this.firstWritten ?? next.firstWritten;
      this.lastWritten = next.lastWritten;
    }
    for (const [subject, tombstone] of this.erased) {
      const seq = next.subjects.get(subject);
      if (seq !== undefined) refute(`record ${seq} is about a subject that record ${tombstone} erased`);
    }
    for (const [subject, tombstone] of next.erased) this.erased.set(subject, tombstone);
    for (const [seq, id, parent] of next.outcomes)
      if (!this.end(id, parent) && parent >= next.missingEntries && parent >= this.missingEntries)
        refute(`record ${seq} is the outcome of record ${parent}, which is no open intent of that call`);
    for (const [id, seq] of next.intents) this.intents.set(id, seq);
    this.clock += next.clock;
    this.silences += next.silences;
    this.lost += next.lost;
    this.unknown += next.unknown;
    this.sealed += next.sealed;
    this.running = next.running ?? this.running;
    // Not as arguments of a function: there may be more than it takes.
    this.keys = [...this.keys, ...next.keys];
    this.passkeys = [...this.passkeys, ...next.passkeys];
    this.approvals = [...this.approvals, ...next.approvals];
    this.drop(next.dropped);
    this.missingEntries = Math.max(this.missingEntries, next.missingEntries);
    for (const [tier, { first, last, count }] of next.missing) this.miss(tier, first, last, count);
    this.torn = this.torn ?? next.torn;
  }
}

/**
 * What the record of a retention says: tier → first record that is kept, and the first one of all.
 * @param {unknown} detail @param {string} where @returns {Dropped}
 */
function retentionIn(detail, where) {
  const { tiers: given = {}, entries = 0, keys = [] } = objectIn(detail, where);
  /** @type {Map<string, number>} */
  const tiers = new Map();
  for (const [tier, before] of Object.entries(objectIn(given, where)))
    tiers.set(tier, isCount(before) ? before : refute(`${where} does not say what was dropped`));
  if (!isCount(entries)) return refute(`${where} does not say what was dropped`);
  return { tiers, entries, keys: listIn(keys, where) };
}

/** @param {unknown} detail @param {string} where */
function erasedIn(detail, where) {
  if (!isObject(detail) || typeof detail.subject !== 'string') return refute(`${where}: the erasure names no subject`);
  return detail.subject;
}

/** @param {unknown} detail */
const lostIn = (detail) => (isObject(detail) && isCount(detail.records) ? detail.records : 0);

/** @param {number} time */
const iso = (time) => new Date(time).toISOString();

/**
 * Checks the records of some bundles, each for itself and in their order.
 * @param {Stretch} stretch
 */
function checkBundles({ folder, from, to, size }) {
  const segments = new Segments(folder);
  const story = new Story(from * width);
  for (let bundle = from; bundle < to; bundle++) {
    const first = bundle * width;
    const count = Math.min(width, size - first);
    const tile = readTile(folder, 0, bundle, count) ?? refute(`${tilePath(0, bundle, count)} is missing`);
    if (tile.bytes.length < count * 32) refute(`${tile.path} is too short`);
    const file = readTile(folder, 'entries', bundle, count);
    if (file === undefined) {
      if (story.firstWritten !== undefined)
        refute(`${tilePath('entries', bundle, count)} is missing: records ${first} to ${first + count - 1}`);
      story.missingEntries = first + count;
      continue;
    }
    const leaves = leavesOf(file, count);
    for (let index = 0; index < count; index++) {
      const seq = first + index;
      const leaf = leaves[index] ?? refute(`${file.path} ends within record ${seq}`);
      const entry = leaf.subarray(1);
      const stored = segments.present ? segments.at(seq) : undefined;
      if (sha256Text(leaf) !== tile.bytes.toString('latin1', index * 32, index * 32 + 32)) {
        const blame = stored === undefined || stored.entry.equals(entry) ? tile.path : file.path;
        refute(
          `record ${seq} (${file.path}) and its hash (${tile.path}) do not belong together${stored === undefined ? '' : `: ${blame} was changed`}`,
        );
      }
      const fields = parseCanonical(entry, `record ${seq}`);
      story.see(seq, fields);
      if (stored !== undefined && !stored.entry.equals(entry))
        refute(`record ${seq} differs between ${file.path} and segments/${segments.name}`);
      if (fields.private === undefined) continue;
      if (stored === undefined || stored.sealed.length === 0)
        story.miss(textIn(fields.tier ?? 'read', `record ${seq}`), seq);
      else if (hash('sha256', stored.sealed, digestsOf(fields, `record ${seq}`)) !== fields.private)
        refute(`record ${seq}: its private part is not the one that was recorded`);
      else story.sealed++;
    }
  }
  story.torn = segments.torn;
  return story;
}

/** Records from which several threads are worth their start. */
const manyRecords = 50_000;

/** `availableParallelism` is from Node 18.14. */
const parallelism = () => os.availableParallelism?.() ?? os.cpus().length;

/** @typedef {{ story: StoryOf } | { problem: string } | { bug: Pick<NodeJS.ErrnoException, 'message' | 'code' | 'syscall'> }} Checked */

/**
 * Stretches of the log, each checked by a thread of its own, this one included, joined in order. The first contradiction counts.
 * @param {string} folder @param {number} size @returns {Promise<StoryOf>}
 */
async function checkRecords(folder, size) {
  const bundles = Math.ceil(size / width);
  const threads = size < manyRecords ? 1 : Math.min(8, parallelism());
  if (threads === 1) return checkBundles({ folder, from: 0, to: bundles, size });
  const share = Math.ceil(bundles / threads);
  const others = Array.from({ length: threads - 1 }, (_, index) => {
    /** @type {Stretch} */
    const workerData = { folder, from: (index + 1) * share, to: Math.min(bundles, (index + 2) * share), size };
    const worker = new Worker(new URL(import.meta.url), { workerData });
    /** @type {Promise<Checked>} */
    const checked = new Promise((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
    });
    return checked;
  });
  const own = checkStretch({ folder, from: 0, to: share, size });
  const results = [own, ...(await Promise.all(others))];
  const whole = new Story(0);
  for (const result of results) {
    if ('bug' in result) throw Object.assign(new Error(result.bug.message), result.bug);
    if ('problem' in result) refute(result.problem);
    whole.join(result.story);
  }
  return whole;
}

/** @param {Stretch} stretch @returns {Checked} */
function checkStretch(stretch) {
  try {
    return { story: checkBundles(stretch) };
  } catch (error) {
    if (error instanceof Refuted) return { problem: error.message };
    const { message = String(error), code, syscall } = detailsOf(error);
    return { bug: { message, code, syscall } };
  }
}

/**
 * The tree over all records, from their hashes: the root, and every checkpoint that was kept elsewhere.
 * @param {string} folder @param {number} size @param {Checkpoint[]} kept
 */
function checkTree(folder, size, kept) {
  const byBundle = groupBy(kept, (note) => Math.floor((note.size - 1) / width));
  const tiles = new Edge();
  /** @type {Level[]} */
  const levels = [{ index: 0, hashes: [] }];
  let last = new Edge();
  for (let bundle = 0; bundle * width < size; bundle++) {
    const count = Math.min(width, size - bundle * width);
    const tile = readTile(folder, 0, bundle, count) ?? refute(`${tilePath(0, bundle, count)} is missing`);
    if (tile.bytes.length < count * 32) refute(`${tile.path} is too short`);
    const notes = byBundle.get(bundle);
    if (count < width || notes !== undefined) {
      last = new Edge();
      for (let index = 0; index < count; index++) {
        last.add(tile.bytes.subarray(index * 32, index * 32 + 32));
        for (const note of notes ?? [])
          if (note.size === bundle * width + last.size && !note.root.equals(rootOf([...tiles.roots, ...last.roots])))
            refute(
              `${note.where}: the first ${note.size} records are not those that it signs: the history was rewritten`,
            );
      }
      if (count < width) break;
    }
    const root = notes === undefined ? tileRoot(tile.bytes) : last.root();
    tiles.add(root);
    last = new Edge();
    pushLevel(folder, levels, 1, root);
  }
  checkPartialLevels(folder, levels);
  return rootOf([...tiles.roots, ...last.roots]);
}

/**
 * The root over a whole tile, made in its place.
 * @param {Buffer} bytes
 */
function tileRoot(bytes) {
  for (let count = width; count > 1; count /= 2)
    for (let index = 0; index < count; index += 2) {
      bytes.copy(pair, 1, index * 32, index * 32 + 64);
      bytes.write(sha256Text(pair), index * 16, 32, 'latin1');
    }
  return Buffer.from(bytes.subarray(0, 32));
}

/** @param {string} folder @param {Options} options @returns {Promise<FoundLog>} */
async function verifyLog(folder, options) {
  const given = givenCheckpoints(options);
  const kept = [...historyOf(folder), ...anchorsOf(folder), ...given.flatMap(({ notes }) => notes)];
  // Read after those: a gateway that runs publishes further ones.
  if (!existsSync(join(folder, 'checkpoint'))) refute(`${folder} is not a log: it has no checkpoint`);
  const last = parseCheckpoint(readWithin(join(folder, 'checkpoint'), longest.note).toString(), 'checkpoint');
  const origin = nameOfLog(folder) ?? last.origin;
  for (const note of [last, ...kept])
    if (note.origin !== origin) refute(`${note.where} is of another log: ${note.origin}, not ${origin}`);
  for (const note of kept) {
    if (note.size > last.size)
      refute(`${note.where} covers ${note.size} records and the log ends after ${last.size}: its tail was cut`);
  }
  const checking = checkRecords(folder, last.size);
  // What contradicts a record is reported before what contradicts the tree, which follows from it.
  const walking = (async () => checkTree(folder, last.size, kept))();
  const [records, tree] = await Promise.allSettled([checking, walking]);
  if (records.status === 'rejected') throw records.reason;
  if (tree.status === 'rejected') throw tree.reason;
  const { value: story } = records;
  const { value: root } = tree;
  if (!root.equals(last.root)) refute(`the ${last.size} records do not lead to the root that the checkpoint signs`);
  if (story.missingEntries > story.dropped.entries)
    refute(`records 0 to ${story.missingEntries - 1} are missing and no seal says that they were dropped`);
  for (const [tier, { first, last: end }] of story.missing) {
    const before = story.dropped.tiers.get(tier) ?? 0;
    if (end >= before)
      refute(
        `the private part of record ${first >= before ? first : end} is missing and no seal says that it was dropped${story.torn === undefined ? '' : ` (${story.torn})`}`,
      );
  }
  const keys = new Keys(last.origin);
  if (story.missingEntries > 0) keys.recall(story.dropped.keys, story.missingEntries);
  for (const [seq, detail] of story.keys) keys.see(seq, detail);
  if (keys.list.length === 0) refute('the log names no key: its first record is missing');
  for (const note of [last, ...kept]) checkSigned(note, keys);
  checkPinned(keys, options);
  const confirmed = checkConfirmed(story);
  const timestamps = checkTimestamps(kept, tokensOf(folder, options.checkpoint), options);
  const segments = new Segments(folder, last.size);
  let unsigned = 0;
  /** @type {Buffer | undefined} */
  let youngest;
  if (segments.present)
    for (let next = segments.at(last.size); next !== undefined; next = segments.at(last.size + ++unsigned))
      youngest = next.entry;
  checkUnsigned(youngest, story.lastWritten, last.size, unsigned);
  return {
    what: 'log',
    keyGiven: options.key !== undefined,
    origin: last.origin,
    size: last.size,
    root: last.root.toString('base64'),
    kinds: Object.fromEntries(sorted(Object.entries(story.kinds))),
    privateParts: {
      checked: story.sealed,
      dropped: [...story.missing.values()].reduce((sum, { count }) => sum + count, 0),
    },
    droppedRecords: story.missingEntries,
    erasedSubjects: story.erased.size,
    confirmedApprovals: confirmed,
    openCalls: story.intents.size,
    unknownOutcomes: story.unknown,
    lostRecords: story.lost,
    clockWentBack: story.clock,
    silences: story.silences,
    notYetSigned: unsigned,
    checkpoints: kept.length,
    key: keys.at(last.size).text,
    keys: keys.list.length,
    keyIs: keyIs(options, keys.at(last.size), 'log'),
    anchors: [
      ...checkWitnesses([last, ...reversed(kept)], options),
      ...given
        .filter(({ path }) => !isWithin(path, folder))
        .map(
          ({ path, notes }) =>
            `contains ${notes.length === 1 ? 'the checkpoint' : `the ${notes.length} checkpoints`} of ${path}`,
        ),
      ...describeTimestamps(timestamps.filter(({ trusted }) => trusted)),
    ],
    timestamps,
  };
}

/**
 * Each passkey that confirmed an approval was registered before, for the same operator. Returns how many approvals are so.
 * @param {StoryOf} story
 */
function checkConfirmed({ passkeys, approvals, missingEntries }) {
  /** @type {Map<unknown, [seq: number, detail: unknown]>} The first registration of each passkey. */
  const registered = new Map();
  for (const each of passkeys) {
    const credential = isObject(each[1]) ? each[1].passkey : undefined;
    if (!registered.has(credential)) registered.set(credential, each);
  }
  for (const [seq, detail] of approvals) {
    const where = `record ${seq}`;
    for (const { by, proof } of votesIn(detail)) {
      if (proof === undefined) continue;
      checkAssertion(proof, approvalIn(detail, where), where);
      const [at = seq, detailOf] = registered.get(proof.credential) ?? [];
      const known = at < seq ? detailOf : undefined;
      // What registered it may have been dropped by retention.
      if (known === undefined && missingEntries > 0) continue;
      checkRegistered(known, { by, proof, where });
    }
  }
  return approvals.length;
}

/**
 * @param {unknown} known what registered the passkey
 * @param {{ by: unknown, proof: Fields, where: string }} vote
 */
function checkRegistered(known, { by, proof, where }) {
  if (!isObject(known)) return refute(`${where}: the passkey of ${JSON.stringify(by)} was never registered`);
  if (`operator:${String(known.operator)}` !== by) refute(`${where}: the passkey belongs to ${String(known.operator)}`);
  if (known.publicKey !== proof.publicKey) refute(`${where}: the passkey was registered with another key`);
}

/** @param {unknown} detail @returns {{ by: unknown, proof: Fields | undefined }[]} */
function votesIn(detail) {
  const votes = isObject(detail) && Array.isArray(detail.votes) ? detail.votes : [];
  return votes
    .slice(0, 100)
    .filter(isObject)
    .map(({ by, proof }) => ({ by, proof: isObject(proof) ? proof : undefined }));
}

/** @param {unknown} detail @param {string} where */
function approvalIn(detail, where) {
  const { id, digest } = objectIn(detail, where);
  return { id: textIn(id, where), digest: textIn(digest, where) };
}

/**
 * An assertion of a passkey (WebAuthn Level 3, 7.2): over exactly this approval, by a person that was verified.
 * @param {Fields} proof @param {{ id: string, digest: string }} approval @param {string} where
 */
function checkAssertion(proof, { id, digest }, where) {
  /** @param {string} name */
  const bytes = (name) => Buffer.from(textIn(proof[name], where), 'base64url');
  const clientData = bytes('clientData');
  const said = objectIn(parseJson(clientData.toString('utf8'), where), where);
  const challenge = sha256(Buffer.from(`sallyport approval v1\napprove\n${id}\n${digest}\n`)).toString('base64url');
  if (said.type !== 'webauthn.get' || said.challenge !== challenge)
    refute(`${where}: the passkey confirmed something else than this approval`);
  const data = bytes('authenticatorData');
  if (data.length < 37) return refute(`${where}: what the passkey says is too short`);
  /** @type {string} */
  let host;
  try {
    host = new URL(textIn(said.origin, where)).hostname;
  } catch {
    return refute(`${where}: the passkey was used at no address`);
  }
  if (!data.subarray(0, 32).equals(sha256(Buffer.from(host)))) refute(`${where}: the passkey is of another place`);
  // User present, and verified.
  if (((data[32] ?? 0) & 0x05) !== 0x05) refute(`${where}: the passkey did not verify a person`);
  let isSigned = false;
  try {
    const key = createPublicKey({ key: bytes('publicKey'), format: 'der', type: 'spki' });
    const algorithm = key.asymmetricKeyType === 'ed25519' ? null : 'sha256';
    isSigned = verify(algorithm, Buffer.concat([data, sha256(clientData)]), key, bytes('signature'));
  } catch {
    // Neither a key nor a signature: below it is refuted like every other.
  }
  if (!isSigned) refute(`${where}: the passkey did not sign this`);
}

/**
 * Who approved what, of a record that is proved: the digest is of the call that is shown.
 * @param {Proved[]} records @returns {string[]}
 */
function approvalsIn(records) {
  /** @type {Map<unknown, Proved>} Where each passkey was registered. */
  const registered = new Map();
  for (const record of records) {
    const { kind, detail } = record.fields;
    if (kind !== 'operator-passkey' || !isObject(detail) || registered.has(detail.passkey)) continue;
    registered.set(detail.passkey, record);
  }
  return records
    .filter(({ fields }) => fields.kind === 'approval-approved')
    .flatMap(({ index, fields, shown }) => {
      const where = `record ${index}`;
      const { id, digest } = approvalIn(fields.detail, where);
      const text = shown.get('arguments');
      // It was recorded as it was hashed, so that no reader of JSON comes in between.
      if (text !== undefined && sha256(Buffer.from(text)).toString('hex') !== digest)
        refute(`${where}: the call that is shown is not the one that was approved`);
      const what = text === undefined ? `the call with the digest ${digest}` : `exactly the call that is shown`;
      return votesIn(fields.detail).map(({ by, proof }) => {
        if (proof === undefined) return `${id}: ${String(by)} approved ${what}`;
        checkAssertion(proof, { id, digest }, where);
        const known = registered.get(proof.credential);
        if (known === undefined)
          return `${id}: ${String(by)} approved ${what} with the passkey ${String(proof.credential)}, whose registration is not in this proof`;
        if (known.index > index) refute(`${where}: the passkey was registered later, in record ${known.index}`);
        checkRegistered(known.fields.detail, { by, proof, where });
        return `${id}: ${String(by)} approved ${what} with the passkey ${String(proof.credential)}, registered in record ${known.index}`;
      });
    });
}

/** Milliseconds. A gateway signs what it has written within a second, and tries again each second when it cannot. */
const longestUnsigned = 600_000;

/**
 * Behind a checkpoint that is older than what follows there was a later one.
 * @param {Buffer | undefined} youngest @param {number} signed @param {number} size @param {number} count
 */
function checkUnsigned(youngest, signed, size, count) {
  if (youngest === undefined) return;
  const { written } = parseCanonical(youngest, `record ${size + count - 1}`);
  if (!isCount(written) || written > lastTime) return refute(`record ${size + count - 1} has no time`);
  if (written - signed > longestUnsigned)
    refute(
      `the checkpoint covers ${size} records until ${iso(signed)}, and ${count} more were written until ${iso(written)}: a later checkpoint was taken away, or none could be written`,
    );
}

/**
 * What lies in the log's own folder anchors nothing.
 * @param {string} path @param {string} folder
 */
function isWithin(path, folder) {
  return `${realpathSync(path)}${sep}`.startsWith(`${realpathSync(folder)}${sep}`);
}

/**
 * Tiles above the first level hold the roots of full tiles below.
 * @param {string} folder @param {Level[]} levels @param {number} level @param {Buffer} value
 */
function pushLevel(folder, levels, level, value) {
  const here = levels[level] ?? { index: 0, hashes: [] };
  levels[level] = here;
  here.hashes.push(value);
  if (here.hashes.length < width) return;
  compareTile(folder, level, here, width);
  const edge = new Edge();
  for (const each of here.hashes) edge.add(each);
  levels[level] = { index: here.index + 1, hashes: [] };
  pushLevel(folder, levels, level + 1, edge.root());
}

/** @param {string} folder @param {number} level @param {Level} made @param {number} count */
function compareTile(folder, level, { index, hashes }, count) {
  if (level === 0) return;
  const tile = readTile(folder, level, index, count) ?? refute(`${tilePath(level, index, count)} is missing`);
  if (!tile.bytes.subarray(0, count * 32).equals(Buffer.concat(hashes)))
    refute(`${tile.path} is not what the tiles below it give`);
}

/** @param {string} folder @param {Level[]} levels */
function checkPartialLevels(folder, levels) {
  for (const [level, here] of levels.entries())
    if (here.hashes.length > 0) compareTile(folder, level, here, here.hashes.length);
}

/**
 * What the log says that it is called, so that of two names the wrong one is complained about.
 * @param {string} folder
 */
function nameOfLog(folder) {
  const path = join(folder, 'log.json');
  if (!existsSync(path)) return undefined;
  const { origin } = objectIn(parseJson(readWithin(path, longest.note).toString(), 'log.json'), 'log.json');
  return typeof origin === 'string' ? origin : refute('log.json names no log');
}

/**
 * Checkpoints that witnesses have signed.
 * @param {string} folder
 */
function anchorsOf(folder) {
  const path = join(folder, 'anchors');
  if (!existsSync(path)) return [];
  return readdirSync(path)
    .filter((name) => name.endsWith('.txt'))
    .map((name) => parseCheckpoint(readWithin(join(path, name), longest.note).toString(), `anchors/${name}`));
}

/** @param {string} folder @returns {Generator<Checkpoint, void>} */
function* historyOf(folder) {
  const path = join(folder, 'checkpoints');
  if (!existsSync(path)) return;
  for (const name of sorted(readdirSync(path)))
    yield* checkpointsIn(readWithin(join(path, name), longest.history).toString().split('\n'), `checkpoints/${name}`);
}

/**
 * One checkpoint or many: each ends with its signatures and an empty line. What does not was being written when a process
 * ended or the file was copied; returns how many lines that are.
 * @param {string[]} lines @param {string} where @returns {Generator<Checkpoint, number>}
 */
function* checkpointsIn(lines, where) {
  /** @type {string[]} */
  let note = [];
  let signed = false;
  let number = 0;
  for (const line of lines) {
    if (signed && line === '') {
      yield parseCheckpoint(`${note.join('\n')}\n`, `${where} number ${++number}`);
      note = [];
      signed = false;
      continue;
    }
    if (line.startsWith('— ')) signed = true;
    if (note.length > 0 || line !== '') note.push(line);
  }
  return note.length;
}

/**
 * The checkpoints that were kept elsewhere.
 * @param {Options} options
 */
function givenCheckpoints({ checkpoint = [] }) {
  return checkpoint.map((path) => {
    /** @type {Checkpoint[]} */
    const notes = [];
    const found = checkpointsIn([...readFileSync(path, 'utf8').split('\n'), ''], path);
    let next = found.next();
    for (; !next.done; next = found.next()) notes.push(next.value);
    if (next.value > 0 || notes.length === 0) refute(`${path} does not end with the signature of a checkpoint`);
    // A token beside the file is about the one checkpoint that is in it.
    return { path, notes: notes.length === 1 ? notes.map((note) => ({ ...note, where: path })) : notes };
  });
}

/** Characters that act on a terminal instead of being seen: what is checked may have been made to deceive its reader. */
const acting =
  /[\p{Cc}\xad\u061c\u115f\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|[\u{e0000}-\u{e007f}]|\p{Cs}/gu;
/** @type {(text: string) => string} */
const shown = (text) =>
  text.replace(acting, (found) =>
    Array.from({ length: found.length }, (_, at) => `\\u${found.charCodeAt(at).toString(16).padStart(4, '0')}`).join(
      '',
    ),
  );
/** @param {object} value */
const json = (value) => JSON.stringify(value, undefined, 2).split('\n').map(shown).join('\n');

/** Not what the evidence says of itself, but what it was checked against. */
const withoutKey =
  'NO KEY WAS GIVEN (--key): all of it agrees with itself, which a forged log does as well. This says nothing about who made it.';

/** @param {FoundCertificate | FoundProof | FoundLog} result */
function print(result) {
  /** @param {string} text */
  const say = (text) => process.stdout.write(`${shown(text)}\n`);
  if (!result.keyGiven) say(withoutKey);
  const verified = result.keyGiven ? 'verified' : 'consistent, but not verified';
  if (result.what === 'certificate') {
    say(
      `verified: ${result.origin} has erased its subject ${result.subject}, says record ${result.tombstone}, at ${result.time}`,
    );
    return say(`  key: ${result.key} (${result.keyIs})`);
  }
  if (result.what === 'proof') {
    for (const { seq, kind, disclosed } of result.records)
      say(
        `${verified}: record ${seq} (${kind}) of ${result.origin}, within ${result.size} signed records${disclosed.length > 0 ? `; shown and as recorded: ${disclosed.join(', ')}` : ''}`,
      );
    for (const text of result.approvals) say(`  ${text}`);
  } else {
    say(`${verified}: ${result.size} records of ${result.origin}`);
    say(
      `  ${Object.entries(result.kinds)
        .map(([kind, count]) => `${kind} ${count}`)
        .join(', ')}`,
    );
    say(
      `  private parts: ${result.privateParts.checked} intact, ${result.privateParts.dropped} dropped by retention; subjects erased: ${result.erasedSubjects}`,
    );
    say(
      `  calls without an outcome: ${result.openCalls} under way, ${result.unknownOutcomes} unknown; records lost: ${result.lostRecords}; clock went back: ${result.clockWentBack}; silences: ${result.silences}`,
    );
    if (result.confirmedApprovals > 0) say(`  approvals that passkeys confirmed: ${result.confirmedApprovals}`);
    if (result.droppedRecords > 0)
      say(`  the first ${result.droppedRecords} records were dropped by retention; their hashes are here`);
    if (result.notYetSigned > 0) say(`  ${result.notYetSigned} further records are written and not signed yet`);
    say(`  earlier checkpoints that it agrees with: ${result.checkpoints}; keys: ${result.keys}`);
  }
  say(`  key: ${result.key} (${result.keyIs})`);
  for (const text of describeTimestamps(result.timestamps.filter(({ trusted }) => !trusted)))
    say(`  ${text}: not checked against a CA (--tsa-ca), so it may be forged`);
  say(
    result.anchors.length === 0
      ? '  unanchored: only the log itself vouches for when it was written and that nothing was cut'
      : `  anchored: ${result.anchors.join('; ')}`,
  );
}

async function main() {
  let parsed;
  try {
    parsed = util.parseArgs({
      allowPositionals: true,
      options: {
        key: { type: 'string' },
        checkpoint: { type: 'string', multiple: true },
        witness: { type: 'string', multiple: true },
        'tsa-ca': { type: 'string', multiple: true },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    process.stderr.write(`${shown(detailsOf(error).message ?? '')}\n${usage}\n`);
    return exitCodes.usage;
  }
  const { values, positionals } = parsed;
  const [path] = positionals;
  if (values.help || path === undefined || positionals.length > 1) {
    process.stderr.write(`${usage}\n`);
    return exitCodes.usage;
  }
  try {
    if (!existsSync(path)) refute(`${path} does not exist`);
    const result = statSync(path).isDirectory()
      ? await verifyLog(path, values)
      : verifyFile(readFileSync(path, 'utf8'), values);
    if (values.json) process.stdout.write(`${json({ ok: true, ...result })}\n`);
    else print(result);
    return exitCodes.verified;
  } catch (error) {
    const { code, problem } = whatFailed(error);
    if (values.json) process.stdout.write(`${json({ ok: false, code, problem })}\n`);
    else complain(code, problem);
    return code;
  }
}

/** @param {number} code @param {string} problem */
function complain(code, problem) {
  /** @type {Record<number, string>} */
  const said = { [exitCodes.bug]: 'NOTHING is said about it', [exitCodes.undecided]: 'NOT verified, and NOT DECIDED' };
  process.stderr.write(`${said[code] ?? 'NOT verified'}: ${shown(problem)}\n`);
}

/**
 * What was thrown may be anything.
 * @param {unknown} error @returns {Partial<NodeJS.ErrnoException>}
 */
const detailsOf = (error) => Object(error);

/**
 * A contradiction in what was given, a file that the system does not let us read, or a fault of this program, which must never look like damage.
 * @param {unknown} error
 */
function whatFailed(error) {
  if (error instanceof Refuted) return { code: exitCodes.refuted, problem: error.message };
  if (error instanceof Undecided) return { code: exitCodes.undecided, problem: error.message };
  const { code, syscall, message = String(error), stack = '' } = detailsOf(error);
  if (typeof code === 'string' && typeof syscall === 'string')
    return { code: exitCodes.unreadable, problem: `it cannot be read: ${message}` };
  const where = /\((?:file:\/\/)?\/?[^)]*?([\w.-]+:\d+:\d+)\)/.exec(stack)?.[1] ?? 'an unknown place';
  return {
    code: exitCodes.bug,
    problem: `this program failed at ${where} (${message}), on Node.js ${process.versions.node}: please report it`,
  };
}

/** Which of Node's interfaces are used here without another way. */
const neededNode = { major: 18, minor: 3 };

function isTooOld() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  return major < neededNode.major || (major === neededNode.major && minor < neededNode.minor);
}

// Node ends with 1 by itself, which would say that the log is refuted.
process.on('uncaughtException', (error) => {
  complain(exitCodes.bug, whatFailed(error).problem);
  process.exit(exitCodes.bug);
});
// The reader of the output may stop early.
process.stdout.on('error', () => {});
if (isTooOld()) {
  process.stderr.write(
    `sallyport-verify needs Node.js ${neededNode.major}.${neededNode.minor} or newer and this is ${process.versions.node}: nothing was verified.\n`,
  );
  process.exitCode = exitCodes.runtime;
} else if (isMainThread) process.exitCode = await main();
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
else parentPort?.postMessage(checkStretch(workerData));
