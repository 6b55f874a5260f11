// The Huffman code of HPACK (RFC 7541 section 5.2, appendix B). Pure.
import { COMPRESSION_ERROR, ConnectionFault } from "./fault.ts";

/** Bits of the code of each byte, and of the end of the string (256). The code is canonical: its bits follow from these. */
// prettier-ignore
const LENGTHS = [
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
  6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
  13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
  15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
  20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
  22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
  26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
  20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
  30,
];
const END = 256;

/** Bits of a step's outcome: the next state, a byte that is complete, whether there is one, and whether the step must not be. */
const STATE = 0x1ff;
const BYTE_SHIFT = 9;
const EMITS = 1 << 17;
const FAILS = 1 << 18;

/** `STEPS[state * 16 + four bits]`. A state is an inner node of the code's tree; 0 is its root. */
const STEPS = new Uint32Array(256 * 16);
/** 1 for states in which a string may end: up to seven bits, all ones, have come of what would be its end. */
const MAY_END = new Uint8Array(256);
build();

function build(): void {
  // Children of inner nodes: another inner node, or the complement of a symbol.
  const children = new Int32Array(512);
  let nodes = 1;
  const bySize = Array.from(LENGTHS, (_, symbol) => symbol).sort((a, b) => LENGTHS[a]! - LENGTHS[b]! || a - b);
  let code = 0;
  let size = 0;
  for (const symbol of bySize) {
    const length = LENGTHS[symbol]!;
    code *= 2 ** (length - size);
    size = length;
    let node = 0;
    for (let bit = length - 1; bit >= 0; bit--) {
      const at = node * 2 + (Math.floor(code / 2 ** bit) & 1);
      if (bit === 0) children[at] = ~symbol;
      else node = children[at] === 0 ? (children[at] = nodes++) : children[at]!;
    }
    code++;
  }
  for (let state = 0; state < 256; state++)
    for (let four = 0; four < 16; four++) STEPS[state * 16 + four] = step(children, state, four);
  let node = 0;
  for (let ones = 0; ones < 8; ones++) {
    MAY_END[node] = 1;
    node = children[node * 2 + 1]!;
  }
}

function step(children: Int32Array, state: number, four: number): number {
  let node = state;
  let outcome = 0;
  for (let bit = 3; bit >= 0; bit--) {
    const child = children[node * 2 + ((four >> bit) & 1)]!;
    if (child >= 0) node = child;
    else if (child === ~END) return FAILS;
    else {
      outcome = (~child << BYTE_SHIFT) | EMITS;
      node = 0;
    }
  }
  return outcome | node;
}

/** Decoded bytes; valid until the next call. Grows to what the longest string needs. */
let out = new Uint8Array(1024);

/** What {@link decodeHuffman} has decoded: the bytes up to `length` of `bytes`, until the next call. */
export interface Decoded {
  readonly bytes: Uint8Array;
  readonly length: number;
}

/** Decodes the bytes from `from` (inclusive) to `to` (exclusive). @throws ConnectionFault for what is no such code */
export function decodeHuffman(bytes: Uint8Array, from: number, to: number): Decoded {
  // The shortest code has five bits.
  const most = Math.ceil(((to - from) * 8) / 5);
  if (out.length < most) out = new Uint8Array(most);
  let length = 0;
  let state = 0;
  for (let i = from; i < to; i++) {
    const byte = bytes[i]!;
    const first = STEPS[state * 16 + (byte >> 4)]!;
    if ((first & EMITS) !== 0) out[length++] = first >> BYTE_SHIFT;
    const second = STEPS[(first & STATE) * 16 + (byte & 15)]!;
    if ((second & EMITS) !== 0) out[length++] = second >> BYTE_SHIFT;
    if (((first | second) & FAILS) !== 0) throw notHuffman();
    state = second & STATE;
  }
  if (MAY_END[state] === 0) throw notHuffman();
  return { bytes: out, length };
}

function notHuffman(): ConnectionFault {
  return new ConnectionFault(COMPRESSION_ERROR, "a string of a field block is not in the Huffman code");
}
