// Writes data/bert_tables.c: how Hugging Face's library classifies every character, asked
// of the library itself. It carries Unicode data of several versions, none of them that of
// the system, so its answers are kept as tables.
//
//   node tests/oracle/tables.js FOLDER-OF-THE-LIBRARY > data/bert_tables.c
'use strict';
const path = require('path');
const library = require(path.resolve(process.argv[2], 'node_modules/tokenizers'));

const OFF = { cleanText: false, handleChineseChars: false, stripAccents: false, lowercase: false };
const clean = library.bertNormalizer({ ...OFF, cleanText: true });
const accents = library.bertNormalizer({ ...OFF, stripAccents: true });
const lower = library.bertNormalizer({ ...OFF, lowercase: true });
const words = library.bertPreTokenizer();
const marks = new RegExp('^\\p{M}$', 'u');

const removed = [], marked = [], punctuation = [], unordered = [], whole = [];
const lowered = [];
for (let code = 0x80; code < 0x110000; code++) {
  if (code >= 0xd800 && code < 0xe000) continue;
  const c = String.fromCodePoint(code);
  if (clean.normalizeString(c) === '') removed.push(code);
  if (accents.normalizeString(c) === '') marked.push(code);
  if (words.preTokenizeString('a' + c + 'a').length === 3) punctuation.push(code);
  const small = lower.normalizeString(c);
  if (small !== c) lowered.push([code, [...small].map((s) => s.codePointAt(0))]);
  // A mark that is kept moves behind U+1D165 (class 216) or before U+302E (class 224)
  // when it has a combining class of its own: which it has for this program, perhaps not
  // for the library.
  const behind = 'a' + c + '\u{1D165}', before = 'a\u302E' + c;
  const moves = (f) => f(behind) !== behind || f(before) !== before;
  if (marks.test(c) && accents.normalizeString(c) === c &&
      moves((s) => s.normalize('NFD')) && !moves((s) => accents.normalizeString(s))) {
    unordered.push(code);
  }
  if (c.normalize('NFD') !== c && accents.normalizeString(c) === c) whole.push(code);
}

function ranges(codes) {
  const out = [];
  for (const code of codes) {
    const last = out[out.length - 1];
    if (last && last[1] === code - 1) last[1] = code;
    else out.push([code, code]);
  }
  return out;
}

const hex = (n) => '0x' + n.toString(16);
function list(name, what, codes) {
  const items = ranges(codes).map(([a, b]) => `{${hex(a)}, ${hex(b)}}`);
  console.log(`/* ${what} */`);
  console.log(`const CodeRange ${name}[] = {\n    ${items.join(',\n    ')},\n};`);
  console.log(`const size_t n_${name} = sizeof ${name} / sizeof ${name}[0];\n`);
}

// Runs of characters whose small letters are the same distance away, every one or every
// second of them.
function shifts() {
  const out = [];
  for (const [code, small] of lowered) {
    if (small.length > 1) continue;
    const delta = small[0] - code, last = out[out.length - 1];
    const step = last ? code - last.to : 0;
    if (last && last.delta === delta && (step === 1 || step === 2) && (last.step === step || last.from === last.to)) {
      last.to = code;
      last.step = step;
    } else out.push({ from: code, to: code, step: 1, delta });
  }
  return out;
}

console.log(`/* Written by tests/oracle/tables.js from version ${require(path.resolve(process.argv[2],
  'node_modules/tokenizers/package.json')).version} of Hugging Face's tokenizers. */`);
console.log('#include "data/bert_tables.h"\n');
list('bert_removed', 'Left out by cleaning: control and format characters, private use.', removed);
list('bert_marks', 'Taken for accents.', marked);
list('bert_punctuation', 'Words of their own.', punctuation);
list('bert_unordered', 'Marks that are not sorted: their combining class is 0 there.', unordered);
list('bert_whole', 'Characters that are not decomposed.', whole);
console.log('/* Small letters: code + delta for every step-th code of a run. */');
console.log('const CodeShift bert_lower[] = {');
for (const s of shifts()) console.log(`    {${hex(s.from)}, ${hex(s.to)}, ${s.step}, ${s.delta}},`);
console.log('};\nconst size_t n_bert_lower = sizeof bert_lower / sizeof bert_lower[0];');
const long = lowered.filter(([, small]) => small.length > 1);
if (long.length !== 1 || long[0][0] !== 0x130) throw new Error('more than one long lower case');
