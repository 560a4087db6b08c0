/** For tests: a database of countries in the format of MaxMind (specification 2.0), of a few networks. */

/** A node of the tree, or where in the data section an entry begins. */
type Place = Node | number | undefined;
type Node = [Place, Place];

const addressBits = 128;
const recordBytes = 3;

/** `networks`: of IPv4, such as `203.0.113.0/24`, and the country of each. */
export function countryDatabase(networks: Readonly<Record<string, string>>, type = 'Test-Country'): Buffer {
  const root: Node = [undefined, undefined];
  const data: Buffer[] = [];
  let length = 0;
  for (const [network, country] of Object.entries(networks)) {
    insert(root, bitsOf(network), length);
    const entry = map({ country: map({ iso_code: text(country) }) });
    data.push(entry);
    length += entry.length;
  }
  const nodes: Node[] = [];
  const number = (node: Node): void => {
    nodes.push(node);
    for (const side of node) if (Array.isArray(side)) number(side);
  };
  number(root);
  const tree = Buffer.concat(nodes.map((node) => Buffer.concat(node.map((side) => record(side, nodes)))));
  const metadata = map({
    binary_format_major_version: unsigned(5, 2),
    binary_format_minor_version: unsigned(5, 0),
    build_epoch: Buffer.from([0x04, 0x02, 0x65, 0, 0, 0]),
    database_type: text(type),
    description: map({ en: text('for tests') }),
    ip_version: unsigned(5, 6),
    languages: Buffer.from([0x00, 0x04]),
    node_count: unsigned(6, nodes.length),
    record_size: unsigned(5, recordBytes * 8),
  });
  return Buffer.concat([
    tree,
    Buffer.alloc(16),
    ...data,
    Buffer.from('abcdef', 'hex'),
    Buffer.from('MaxMind.com'),
    metadata,
  ]);
}

/** IPv4 stands below `::/96`. */
function bitsOf(network: string): readonly (0 | 1)[] {
  const [address = '', prefix = '32'] = network.split('/');
  const bits = address.split('.').map((byte) => Number(byte).toString(2).padStart(8, '0'));
  const all = `${'0'.repeat(addressBits - 32)}${bits.join('')}`.slice(0, addressBits - 32 + Number(prefix));
  return all.split('').map((bit) => (bit === '1' ? 1 : 0));
}

function insert(root: Node, bits: readonly (0 | 1)[], place: number): void {
  let node = root;
  for (const bit of bits.slice(0, -1)) {
    const next = node[bit];
    if (Array.isArray(next)) node = next;
    else {
      const made: Node = [undefined, undefined];
      node[bit] = made;
      node = made;
    }
  }
  node[bits.at(-1) ?? 0] = place;
}

function record(side: Place, nodes: readonly Node[]): Buffer {
  const value =
    side === undefined ? nodes.length : typeof side === 'number' ? nodes.length + 16 + side : nodes.indexOf(side);
  const bytes = Buffer.alloc(recordBytes);
  bytes.writeUIntBE(value, 0, recordBytes);
  return bytes;
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([Buffer.from([(2 << 5) | bytes.length]), bytes]);
}

/** `kind`: 5 for 16 bits, 6 for 32. */
function unsigned(kind: 5 | 6, value: number): Buffer {
  const size = kind === 5 ? 2 : 4;
  const bytes = Buffer.alloc(size + 1);
  bytes[0] = (kind << 5) | size;
  bytes.writeUIntBE(value, 1, size);
  return bytes;
}

function map(members: Readonly<Record<string, Buffer>>): Buffer {
  const entries = Object.entries(members);
  return Buffer.concat([
    Buffer.from([(7 << 5) | entries.length]),
    ...entries.flatMap(([name, value]) => [text(name), value]),
  ]);
}
