// Encodes the same lines with Hugging Face's library and with ours: ids, offsets, type ids
// and special tokens must be the same.
//
//   node tokenizer.js LIBRARY-FOLDER HF_DUMP WORK-FOLDER FILE...
//
// Lines come from the files, and are generated: hard Unicode from every plane, in each
// setting of the normalizer; pairs that are truncated; bytes that are no UTF-8, for which
// the library is given U+FFFD, one for each byte.
'use strict';
const fs = require('fs');
const path = require('path');
const { execFileSync } = require('child_process');

const [folder, program, work, ...files] = process.argv.slice(2);
const library = require(path.resolve(folder, 'node_modules/tokenizers'));
const GENERATED = 200000;
const SPECIAL = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]'];

// ---- a small generator (mulberry32), the same everywhere ----

let state = 20240531;
function random() {
  state = (state + 0x6d2b79f5) | 0;
  let t = Math.imul(state ^ (state >>> 15), 1 | state);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
}
const below = (n) => Math.floor(random() * n);
const pick = (list) => list[below(list.length)];
const between = (a, b) => a + below(b - a + 1);

// ---- hard text ----

const BLOCKS = [
  [0x20, 0x7e], [0x20, 0x7e], [0x20, 0x7e], [0x61, 0x7a], [0x61, 0x7a], [0x00, 0x1f], [0x7f, 0xff], [0x100, 0x24f],
  [0x250, 0x2ff], [0x300, 0x36f], [0x300, 0x36f], [0x370, 0x52f], [0x530, 0x5ff], [0x590, 0x6ff], [0x700, 0x8ff],
  [0x900, 0xdff], [0xe00, 0x10ff], [0x1100, 0x11ff], [0x1200, 0x1cff], [0x1ab0, 0x1aff], [0x1d00, 0x1dff],
  [0x1e00, 0x1fff], [0x2000, 0x206f], [0x2000, 0x2bff], [0x2c00, 0x2fff], [0x3000, 0x30ff], [0x3100, 0x4dff],
  [0x4e00, 0x9fff], [0x4e00, 0x9fff], [0xa000, 0xabff], [0xac00, 0xd7ff], [0xe000, 0xf8ff], [0xf900, 0xffff],
  [0xfe00, 0xfe2f], [0x10000, 0x10fff], [0x11000, 0x12fff], [0x13000, 0x17fff], [0x1d000, 0x1d7ff],
  [0x1e000, 0x1efff], [0x1f000, 0x1faff], [0x20000, 0x2ffff], [0x2b700, 0x2b950], [0x30000, 0x3ffff],
  [0x40000, 0xdffff], [0xe0000, 0xe01ff], [0xf0000, 0x10ffff],
];
const MARKS = [0x300, 0x301, 0x302, 0x303, 0x308, 0x30a, 0x323, 0x327, 0x328, 0x331, 0x345, 0x5b0, 0x64b, 0x93c, 0x302e,
  0x1d165, 0x7fd, 0x8d3, 0x1dfa, 0x20e3, 0xfe0f, 0x200d];
const EMOJI = ['👨‍👩‍👧‍👦', '🏳️‍🌈', '🇩🇪', '👍🏽', '☺️', '1️⃣', '🧑🏿‍🚀'];
const ODD = ['İstanbul', 'ΌΔΟΣ', 'ẞtraße', 'ﬁ', 'Ⅷ', 'ǅ', 'x́̂̃̈', 'q̣̇', 'ཱི', '각각', '日本語テキスト', 'مرحبا', 'שָׁלוֹם', '[MASK]', '[CLS]',
  '[SEP][SEP]', '[mask]', '[UNK', '\u00a0', '\u2028', '\ufeff', '\ufffd', '\u0000', '\u0085', '\u1680', '\u180e', 'don\'t', '...', '—'];

function character() {
  for (;;) {
    const [from, to] = pick(BLOCKS);
    const code = between(from, to);
    if (code !== 10 && code !== 9 && (code < 0xd800 || code > 0xdfff)) return String.fromCodePoint(code);
  }
}

function word() {
  const kind = below(12);
  if (kind === 0) return pick(EMOJI);
  if (kind === 1) return pick(ODD);
  if (kind === 2) return pick(WORDS);
  if (kind === 3) {
    let text = character();
    for (let i = between(1, 5); i > 0; i--) text += String.fromCodePoint(pick(MARKS));
    return text;
  }
  if (kind === 4) {
    const [from, to] = pick(BLOCKS.slice(0, 30));
    let text = '';
    for (let i = between(1, 8); i > 0; i--) text += String.fromCodePoint(between(from, to)).replace(/[\n\t]/, 'x');
    return text;
  }
  let text = '';
  for (let i = between(1, 6); i > 0; i--) text += character();
  return text;
}

function line() {
  if (below(2000) === 0) return character().repeat(between(90, 120)) + 'é'.repeat(between(90, 110));
  const parts = [];
  for (let i = between(0, 9); i > 0; i--) parts.push(word());
  return parts.join(pick(['', ' ', ' ', ' ', '  ', '\u3000', '-']));
}

// ---- a vocabulary with something of everything ----

let WORDS = ['the', 'library', 'package', 'unaffable', 'ing'];
const inputs = files.map((file) => fs.readFileSync(file));

function makeVocabulary() {
  const counts = new Map();
  for (const bytes of inputs) {
    for (const found of bytes.toString('utf8').toLowerCase().matchAll(/[a-z0-9]+/g)) {
      counts.set(found[0], (counts.get(found[0]) || 0) + 1);
    }
  }
  const common = [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).slice(0, 6000).map(([w]) => w);
  WORDS = WORDS.concat(common.slice(0, 500));
  const vocab = new Set(SPECIAL);
  for (let code = 0x21; code < 0x7f; code++) {
    vocab.add(String.fromCodePoint(code));
    vocab.add('##' + String.fromCodePoint(code));
  }
  for (const w of common) {
    vocab.add(w);
    if (w.length > 4) vocab.add('##' + w.slice(-between(2, 4)));
    if (below(3) === 0) vocab.add(w[0].toUpperCase() + w.slice(1));
  }
  for (let i = 0; i < 9000; i++) {
    const c = character().trim();
    if (c === '' || c === '\u0000') continue;
    vocab.add(c);
    if (below(2)) vocab.add('##' + c);
    for (const part of c.normalize('NFD').toLowerCase()) vocab.add(part).add('##' + part);
  }
  for (const w of ODD) vocab.add(w.normalize('NFD').replace(/\p{Mn}/gu, '').toLowerCase());
  const ids = {};
  let n = 0;
  for (const token of vocab) if (token !== '' && !/[\n\u0000]/.test(token)) ids[token] = n++;
  return ids;
}

// ---- bytes and characters ----

// Decodes as ours does: a byte that is not part of a character is U+FFFD. Gives the text
// and, for every character, the byte it begins at.
function decode(bytes) {
  const starts = [];
  let text = '';
  for (let i = 0; i < bytes.length;) {
    const b = bytes[i];
    let n = b < 0x80 ? 1 : b >= 0xc2 && b < 0xe0 ? 2 : b >= 0xe0 && b < 0xf0 ? 3 : b >= 0xf0 && b < 0xf5 ? 4 : 0;
    for (let j = 1; j < n; j++) if ((bytes[i + j] & 0xc0) !== 0x80) n = 0;
    let code = 0xfffd;
    if (n === 1) code = b;
    else if (n > 1) {
      code = b & (0x7f >> n);
      for (let j = 1; j < n; j++) code = (code << 6) | (bytes[i + j] & 0x3f);
      const least = [0, 0, 0x80, 0x800, 0x10000][n];
      if (code < least || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) n = 0;
    }
    starts.push(i);
    text += String.fromCodePoint(n === 0 ? 0xfffd : code);
    i += n || 1;
  }
  starts.push(bytes.length);
  return { text, starts };
}

function splitLines(bytes) {
  const lines = [];
  for (let from = 0; from < bytes.length;) {
    let end = bytes.indexOf(10, from);
    if (end < 0) end = bytes.length;
    lines.push(bytes.subarray(from, end));
    from = end + 1;
  }
  return lines;
}

// ---- the comparison ----

function makeTokenizer(vocab, normalizer, truncation) {
  const json = {
    version: '1.0', truncation, padding: null,
    added_tokens: SPECIAL.map((content) => ({ id: vocab[content], content, single_word: false, lstrip: false,
      rstrip: false, normalized: false, special: true })),
    normalizer: { type: 'BertNormalizer', ...normalizer },
    pre_tokenizer: { type: 'BertPreTokenizer' },
    post_processor: { type: 'TemplateProcessing',
      single: [{ SpecialToken: { id: '[CLS]', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } },
        { SpecialToken: { id: '[SEP]', type_id: 0 } }],
      pair: [{ SpecialToken: { id: '[CLS]', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } },
        { SpecialToken: { id: '[SEP]', type_id: 0 } }, { Sequence: { id: 'B', type_id: 1 } },
        { SpecialToken: { id: '[SEP]', type_id: 1 } }],
      special_tokens: Object.fromEntries(['[CLS]', '[SEP]'].map((t) => [t, { id: t, ids: [vocab[t]], tokens: [t] }])) },
    decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
    model: { type: 'WordPiece', unk_token: '[UNK]', continuing_subword_prefix: '##', max_input_chars_per_word: 100, vocab },
  };
  const file = path.join(work, 'tokenizer.json');
  fs.writeFileSync(file, JSON.stringify(json));
  return { file, theirs: library.Tokenizer.fromFile(file) };
}

function describe(encoding, texts) {
  const ids = encoding.getIds(), offsets = encoding.getOffsets(), types = encoding.getTypeIds();
  const special = encoding.getSpecialTokensMask(), which = encoding.getSequenceIds();
  let out = '';
  for (let i = 0; i < ids.length; i++) {
    const starts = texts[which[i] || 0].starts;
    const [begin, end] = special[i] ? [0, 0] : [starts[offsets[i][0]], starts[offsets[i][1]]];
    out += `${ids[i]}:${begin}:${end}:${types[i]}${special[i]}${which[i] || 0} `;
  }
  return out;
}

let total = 0;
async function compare(name, vocab, normalizer, lines, truncation) {
  const { file, theirs } = makeTokenizer(vocab, normalizer, truncation || null);
  const input = path.join(work, 'lines');
  fs.writeFileSync(input, Buffer.concat(lines.flatMap((l) => [l, Buffer.from('\n')])));
  const args = truncation ? [file, input, String(truncation.max_length)] : [file, input];
  const ours = execFileSync(program, args, { maxBuffer: 1 << 30 }).toString().split('\n');
  for (let from = 0; from < lines.length; from += 5000) {
    const texts = lines.slice(from, from + 5000).map((bytes) => {
      const tab = truncation ? bytes.indexOf(9) : -1;
      return tab < 0 ? [decode(bytes)] : [decode(bytes.subarray(0, tab)), decode(bytes.subarray(tab + 1))];
    });
    const encodings = texts[0].length > 1
      ? await Promise.all(texts.map((t) => theirs.encode(t[0].text, t[1].text)))
      : await theirs.encodeBatch(texts.map((t) => t[0].text));
    encodings.forEach((encoding, i) => {
      const expected = describe(encoding, texts[i]);
      if (expected !== ours[from + i]) {
        console.error(`${name}, line ${from + i + 1}: ${JSON.stringify(texts[i].map((t) => t.text))}`);
        console.error(`  theirs ${expected}\n  ours   ${ours[from + i]}`);
        process.exit(1);
      }
    });
  }
  total += lines.length;
  console.log(`${name}: ${lines.length} lines the same`);
}

async function decodeSome(vocab) {
  const { file, theirs } = makeTokenizer(vocab, UNCASED, null);
  const lists = [];
  const n = Object.keys(vocab).length;
  const punctuation = ['.', ',', "'", '!', '?', "##'", 's', 're', 've', 'm', 'n', 't'].map((t) => vocab[t]).filter((i) => i !== undefined);
  for (let i = 0; i < 3000; i++) {
    const ids = [];
    for (let j = below(12); j > 0; j--) ids.push(below(3) ? below(n) : pick(punctuation));
    lists.push(ids);
  }
  const input = path.join(work, 'ids');
  fs.writeFileSync(input, lists.map((ids) => ids.join(' ') + '\n').join(''));
  const ours = execFileSync(program, [file, input, 'decode'], { maxBuffer: 1 << 30 }).toString().split('\u0001\n');
  for (let i = 0; i < lists.length; i++) {
    const expected = await theirs.decode(lists[i], true);
    if (expected !== ours[i]) {
      console.error(`decode ${lists[i]}:\n  theirs ${JSON.stringify(expected)}\n  ours   ${JSON.stringify(ours[i])}`);
      process.exit(1);
    }
  }
  console.log(`decode: ${lists.length} lists the same`);
}

const UNCASED = { clean_text: true, handle_chinese_chars: true, strip_accents: null, lowercase: true };
const SETTINGS = {
  cased: { ...UNCASED, lowercase: false },
  'accents stripped, cased': { ...UNCASED, lowercase: false, strip_accents: true },
  'accents kept, lower case': { ...UNCASED, strip_accents: false },
  'not cleaned': { ...UNCASED, clean_text: false },
  'Chinese not spaced': { ...UNCASED, handle_chinese_chars: false },
};

function damage(bytes) {
  const copy = Buffer.from(bytes);
  for (let i = between(1, 3); i > 0 && copy.length > 0; i--) {
    const at = below(copy.length);
    const b = between(0x80, 0xff);
    if (copy[at] !== 10) copy[at] = b;
  }
  return copy;
}

async function main() {
  fs.mkdirSync(work, { recursive: true });
  const vocab = makeVocabulary();
  console.log(`${Object.keys(vocab).length} tokens in the vocabulary`);
  for (let i = 0; i < files.length; i++) await compare(path.basename(files[i]), vocab, UNCASED, splitLines(inputs[i]));
  const hard = [];
  for (let i = 0; i < GENERATED; i++) hard.push(Buffer.from(line()));
  await compare('uncased', vocab, UNCASED, hard);
  let from = 0;
  for (const [name, normalizer] of Object.entries(SETTINGS)) {
    await compare(name, vocab, normalizer, hard.slice(from, from + 20000));
    from += 20000;
  }
  await compare('invalid UTF-8', vocab, UNCASED, hard.slice(0, 20000).map(damage));
  await compare('invalid UTF-8, not cleaned', vocab, SETTINGS['not cleaned'], hard.slice(20000, 30000).map(damage));
  const pairs = hard.slice(0, 20000).map((l, i) => Buffer.concat([l, Buffer.from('\t'), hard[i + 20000]]));
  for (const [max_length, direction] of [[12, 'Right'], [9, 'Left'], [64, 'Right']]) {
    const truncation = { max_length, direction, strategy: 'LongestFirst', stride: 0 };
    await compare(`pairs of at most ${max_length}, ${direction}`, vocab, UNCASED, pairs.slice(0, 8000), truncation);
    await compare(`texts of at most ${max_length}, ${direction}`, vocab, UNCASED, hard.slice(0, 4000), truncation);
  }
  await decodeSome(vocab);
  console.log(`${total} lines in all`);
}

main();
