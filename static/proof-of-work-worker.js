// Find the numbers that accounts/signin/proof_of_work.py asks for. SHA-256 is here because browsers have a
// fast one for pages over https alone, and none for many short texts.

"use strict";

const K = new Int32Array(64);
const START = new Int32Array(8);

// The first 32 bits of the fractional parts of the cube and square roots of the first primes: FIPS 180-4.
for (let number = 2, found = 0; found < 64; number += 1) {
  let isPrime = true;
  for (let factor = 2; factor * factor <= number; factor += 1) isPrime &&= number % factor !== 0;
  if (!isPrime) continue;
  K[found] = (Math.cbrt(number) % 1) * 2 ** 32;
  if (found < 8) START[found] = (Math.sqrt(number) % 1) * 2 ** 32;
  found += 1;
}

const W = new Int32Array(64);

function compress(state) {
  for (let i = 16; i < 64; i += 1) {
    const x = W[i - 15];
    const y = W[i - 2];
    const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
    const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
    W[i] = (W[i - 16] + s0 + W[i - 7] + s1) | 0;
  }
  let a = state[0];
  let b = state[1];
  let c = state[2];
  let d = state[3];
  let e = state[4];
  let f = state[5];
  let g = state[6];
  let h = state[7];
  for (let i = 0; i < 64; i += 1) {
    const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
    const t1 = (h + s1 + ((e & f) ^ (~e & g)) + K[i] + W[i]) | 0;
    const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
    const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + t1) | 0;
    d = c;
    c = b;
    b = a;
    a = (t1 + t2) | 0;
  }
  state[0] += a;
  state[1] += b;
  state[2] += c;
  state[3] += d;
  state[4] += e;
  state[5] += f;
  state[6] += g;
  state[7] += h;
}

// Hash a text of ASCII letters.
function sha256(text) {
  const state = START.slice();
  const blocks = ((text.length + 8) >> 6) + 1;
  for (let block = 0; block < blocks; block += 1) {
    W.fill(0, 0, 16);
    for (let i = 0; i < 64; i += 1) {
      const at = block * 64 + i;
      const byte = at < text.length ? text.charCodeAt(at) : at === text.length ? 0x80 : 0;
      W[i >> 2] |= byte << (24 - 8 * (i & 3));
    }
    if (block === blocks - 1) W[15] = text.length * 8;
    compress(state);
  }
  return state;
}

function hex(state) {
  return Array.from(state, (word) => (word >>> 0).toString(16).padStart(8, "0")).join("");
}

addEventListener("message", ({ data: { challenge, parts, bits } }) => {
  const seed = hex(sha256(challenge)).slice(0, 32);
  const solutions = [];
  for (let part = 0; part < parts; part += 1) {
    let number = 0;
    while (sha256(`${seed}:${part}:${number}`)[0] >>> (32 - bits) !== 0) number += 1;
    solutions.push(number);
  }
  postMessage(solutions);
});
