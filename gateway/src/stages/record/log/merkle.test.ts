import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  consistencyProof,
  emptyRoot,
  Frontier,
  inclusionProof,
  isConsistent,
  leafHash,
  nodeHash,
  type ReadNode,
  rootFromInclusion,
} from './merkle.ts';

/** The test data of the reference implementation of RFC 6962 (google/certificate-transparency, merkle_tree_test). */
const leaves = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f'].map(
  (hex) => leafHash(Buffer.from(hex, 'hex')),
);
const roots = [
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
];

/** The definition of section 2.1, word for word. */
function naive(hashes: readonly Buffer[]): Buffer {
  if (hashes.length === 0) return emptyRoot;
  if (hashes.length === 1) return hashes[0] as Buffer;
  let k = 1;
  while (k * 2 < hashes.length) k *= 2;
  return nodeHash(naive(hashes.slice(0, k)), naive(hashes.slice(k)));
}

function nodesOf(hashes: readonly Buffer[]): ReadNode {
  return (height, index) => naive(hashes.slice(index * 2 ** height, (index + 1) * 2 ** height));
}

function rootOf(hashes: readonly Buffer[]): Buffer {
  const frontier = new Frontier();
  for (const hash of hashes) frontier.add(hash.toString('latin1'));
  return frontier.root();
}

const many = Array.from({ length: 70 }, (_, index) => leafHash(Buffer.from(`leaf ${index}`)));
const someTree = fc.integer({ min: 0, max: many.length }).map((size) => many.slice(0, size));

test('the roots of RFC 6962', () => {
  assert.equal(emptyRoot.toString('hex'), 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
  for (const [index, root] of roots.entries()) assert.equal(rootOf(leaves.slice(0, index + 1)).toString('hex'), root);
});

test('published inclusion and consistency proofs', () => {
  const node = nodesOf(leaves);
  const hex = (proof: readonly Buffer[]): string[] => proof.map((each) => each.toString('hex'));
  const firstOfEight = [
    '96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7',
    '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
    '6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4',
  ];
  assert.deepEqual(hex(inclusionProof(0, 8, node)), firstOfEight);
  assert.deepEqual(hex(consistencyProof(1, 8, node)), firstOfEight);
  assert.deepEqual(hex(consistencyProof(6, 8, node)), [
    '0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a',
    'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
    'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  ]);
});

test('growing gives the root of the naive tree, also when it goes on from nodes', () => {
  fc.assert(
    fc.property(someTree, fc.nat(many.length), (tree, cut) => {
      assert.deepEqual(rootOf(tree), naive(tree));
      const begin = Math.min(cut, tree.length);
      const resumed = Frontier.of(begin, nodesOf(tree));
      for (const hash of tree.slice(begin)) resumed.add(hash.toString('latin1'));
      assert.deepEqual(resumed.root(), naive(tree));
    }),
  );
});

test('every leaf is proved, and no other leaf, place, size or root', () => {
  fc.assert(
    fc.property(someTree, fc.nat(many.length - 1), fc.nat(many.length - 1), (tree, index, other) => {
      fc.pre(index < tree.length);
      const path = inclusionProof(index, tree.length, nodesOf(tree));
      const leaf = tree[index] as Buffer;
      const root = naive(tree);
      assert.deepEqual(rootFromInclusion(leaf, { index, size: tree.length }, path), root);
      if (other !== index) {
        assert.notDeepEqual(rootFromInclusion(many[other] as Buffer, { index, size: tree.length }, path), root);
        if (tree.length > 1)
          assert.notDeepEqual(rootFromInclusion(leaf, { index: other, size: tree.length }, path), root);
      }
      assert.notDeepEqual(rootFromInclusion(leaf, { index, size: tree.length }, [...path, leaf]), root);
      assert.notDeepEqual(
        rootFromInclusion(leaf, { index, size: tree.length }, path.slice(1)),
        tree.length > 1 ? root : undefined,
      );
    }),
  );
});

test('a tree is consistent with each of its beginnings and with nothing else', () => {
  fc.assert(
    fc.property(someTree, fc.nat(many.length), fc.nat(many.length), (tree, cut, flip) => {
      const old = Math.min(cut, tree.length);
      const before = { size: old, root: naive(tree.slice(0, old)) };
      const now = { size: tree.length, root: naive(tree) };
      const proof = consistencyProof(old, tree.length, nodesOf(tree));
      assert.equal(isConsistent(before, now, proof), true);
      if (old === 0 || old === tree.length) return;
      const changed = tree.map((hash, index) => (index === flip % old ? leafHash(hash) : hash));
      const rewritten = { size: tree.length, root: naive(changed) };
      assert.equal(isConsistent(before, rewritten, consistencyProof(old, tree.length, nodesOf(changed))), false);
      assert.equal(isConsistent(before, now, proof.slice(1)), false);
      assert.equal(isConsistent(before, now, [...proof, now.root]), false);
    }),
  );
});
