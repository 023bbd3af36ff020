import { expect, it } from 'vitest';
import { Pieces } from '../../src/mcp/http/pieces.js';

it('Pieces.all() gives every byte in order, however many pieces there were', () => {
  const pieces = new Pieces();
  for (let index = 0; index < 2500; index += 1) pieces.add(Uint8Array.of(index % 251));
  expect(pieces.sizeBytes).toBe(2500);
  expect([...pieces.all()]).toEqual(Array.from({ length: 2500 }, (_, index) => index % 251));
});

it('Pieces.all() of one piece is that piece, and of none is empty', () => {
  const pieces = new Pieces();
  expect(pieces.all()).toHaveLength(0);
  const piece = Buffer.from('one');
  pieces.add(piece);
  expect(pieces.all()).toBe(piece);
});
